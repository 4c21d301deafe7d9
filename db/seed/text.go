package seed

import (
	"strconv"
	"strings"
)

// username returns the lower-case name of the i-th user of a data set. If the
// table had users before, unique is a number that makes the name unique;
// otherwise it is 0. When all distinct names are used, names get a number as
// well.
func (p *plan) username(i, unique int) string {
	k := p.names.at(i)
	name := firstNames[k%len(firstNames)] + separators[k%len(separators)] + lastNames[k/len(firstNames)]
	return name + suffix("", i/p.names.n, unique)
}

// suffix returns the number at the end of a text that is used again, or "" for
// the first use in an empty table.
func suffix(dash string, round, unique int) string {
	switch {
	case unique > 0:
		return dash + strconv.Itoa(unique)
	case round > 0:
		return dash + strconv.Itoa(round+1)
	}
	return ""
}

// bio returns nil for a third of the users, image for half of them.
func (p *plan) bio(i int) *string {
	r := at(p.cfg.Seed, streamBio, i)
	if r.oneIn(3) {
		return nil
	}
	s := pick(&r, professions) + " from " + pick(&r, places) + ". " + pick(&r, mottos)
	return &s
}

func (p *plan) image(i int) *string {
	r := at(p.cfg.Seed, streamImage, i)
	if r.oneIn(2) {
		return nil
	}
	s := "https://example.com/avatars/" + strconv.Itoa(1+r.below(400)) + ".png"
	return &s
}

// tagName returns the i-th tag. Numbers make more tags when the list ends.
func tagName(i int) string {
	return tagNames[i%len(tagNames)] + suffix("-", i/len(tagNames), 0)
}

// writer generates texts. It uses the same buffer for every row.
type writer struct {
	buf   []byte
	r     random
	topic string

	order permutation // of the sentences, so that none is repeated soon
	used  int         // sentences used
}

// title returns the title of the i-th article and starts the text of that
// article.
func (w *writer) title(p *plan, i int) string {
	w.r = at(p.cfg.Seed, streamText, i)
	k := p.titles.at(i)
	template := titles[k%len(titles)]
	k /= len(titles)
	w.topic = topics[k%len(topics)]
	s := strings.Replace(strings.Replace(template, "{t}", w.topic, 1), "{p}", people[k/len(topics)], 1)
	return upperFirst(s)
}

// article returns the texts of the i-th article.
func (w *writer) article(p *plan, i int) (title, description, body string) {
	title, body = w.title(p, i), w.body(p.cfg.BodyBytes)
	return title, w.description(), body
}

// slug converts an ASCII title to lower-case words with hyphens.
func slug(title, suffix string) string {
	out := make([]byte, 0, len(title)+len(suffix))
	for i := range len(title) {
		switch c := title[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			out = append(out, c)
		case 'A' <= c && c <= 'Z':
			out = append(out, c+'a'-'A')
		case len(out) > 0 && out[len(out)-1] != '-':
			out = append(out, '-')
		}
	}
	return strings.TrimSuffix(string(out), "-") + suffix
}

func (w *writer) description() string {
	return w.line(pick(&w.r, descriptions))
}

// body returns Markdown of about size bytes (within 150): paragraphs under
// headings, with lists, code, quotes and links between them.
func (w *writer) body(size int) string {
	if size == 0 {
		size = 500 + w.r.below(2501)
	}
	w.buf = w.buf[:0]
	w.order, w.used = newPermutation(&w.r, len(sentences)), 0
	w.paragraph(size)
	for left := size - len(w.buf); left > 60; left = size - len(w.buf) {
		w.buf = append(w.buf, '\n')
		if left < 400 {
			w.paragraph(size)
			continue
		}
		switch w.r.below(8) {
		case 0:
			w.list("- ")
		case 1:
			w.list("1. ")
		case 2:
			w.expand(pick(&w.r, codes))
		case 3:
			w.buf = append(w.buf, "> "...)
			w.sentence(pick(&w.r, quotes))
			w.buf = append(w.buf, '\n')
		case 4, 5:
			w.buf = append(w.buf, "## "...)
			w.sentence(pick(&w.r, headings))
			w.buf = append(w.buf, "\n\n"...)
			w.paragraph(size)
		default:
			w.paragraph(size)
		}
	}
	return string(w.buf)
}

// paragraph writes two to five sentences, but stops when the text has size
// bytes.
func (w *writer) paragraph(size int) {
	for i := range 2 + w.r.below(4) {
		if i > 0 {
			if size-len(w.buf) < 60 {
				break
			}
			w.buf = append(w.buf, ' ')
		}
		if w.r.oneIn(12) {
			w.sentence(pick(&w.r, links))
		} else {
			w.sentence(sentences[w.order.at(w.used)])
			w.used++
		}
	}
	w.buf = append(w.buf, '\n')
}

func (w *writer) list(marker string) {
	for range 3 + w.r.below(3) {
		w.buf = append(w.buf, marker...)
		w.expand(pick(&w.r, items))
		w.buf = append(w.buf, '\n')
	}
}

// remark returns the text of a comment.
func (w *writer) remark(p *plan, i, article int) string {
	w.title(p, article) // sets the topic
	var order permutation
	w.r, order = p.remarkOrder(i)
	w.buf = w.buf[:0]
	for i := range 1 + w.r.below(3) {
		if i > 0 {
			w.buf = append(w.buf, ' ')
		}
		w.sentence(remarks[order.at(i)])
	}
	return string(w.buf)
}

// remarkOrder returns the order of the remarks of a comment, and the random
// numbers that follow.
func (p *plan) remarkOrder(i int) (random, permutation) {
	r := at(p.cfg.Seed, streamRemark, i)
	order := newPermutation(&r, len(remarks))
	return r, order
}

// firstRemark returns the template with which a comment begins.
func (p *plan) firstRemark(i int) string {
	_, order := p.remarkOrder(i)
	return remarks[order.at(0)]
}

// line returns one expanded sentence.
func (w *writer) line(template string) string {
	w.buf = w.buf[:0]
	w.sentence(template)
	return string(w.buf)
}

// sentence expands a template and capitalizes its first letter.
func (w *writer) sentence(template string) {
	from := len(w.buf)
	w.expand(template)
	if c := w.buf[from]; 'a' <= c && c <= 'z' {
		w.buf[from] = c - 'a' + 'A'
	}
}

// expand replaces the placeholders of a template, which are a letter in braces.
// Other braces, for example in code, are left as they are.
func (w *writer) expand(template string) {
	for {
		i := strings.IndexByte(template, '{')
		if i < 0 || i+2 >= len(template) {
			w.buf = append(w.buf, template...)
			return
		}
		if template[i+2] != '}' {
			w.buf = append(w.buf, template[:i+1]...)
			template = template[i+1:]
			continue
		}
		w.buf = append(w.buf, template[:i]...)
		word := ""
		switch template[i+1] {
		case 't':
			word = w.topic
		case 'o':
			word = pick(&w.r, topics)
		case 'p':
			word = pick(&w.r, people)
		case 'j':
			word = pick(&w.r, adjectives)
		case 'n':
			word = pick(&w.r, nouns)
		case 'g':
			word = pick(&w.r, gerunds)
		case 'd':
			w.buf = strconv.AppendInt(w.buf, int64(2+w.r.below(48)), 10)
		}
		// "a" becomes "an" if the word that follows starts with a vowel.
		if n := len(w.buf); word != "" && strings.IndexByte("aeiou", word[0]) >= 0 && endsInArticle(w.buf) {
			w.buf = append(w.buf[:n-1], 'n', ' ')
		}
		w.buf = append(w.buf, word...)
		template = template[i+3:]
	}
}

// endsInArticle reports whether text ends in the word "a" and a space.
func endsInArticle(text []byte) bool {
	n := len(text)
	return n >= 2 && text[n-1] == ' ' && (text[n-2] == 'a' || text[n-2] == 'A') && (n == 2 || text[n-3] == ' ' || text[n-3] == '\n')
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
