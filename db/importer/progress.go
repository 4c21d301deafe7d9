package importer

import (
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/db/importer/source"
)

// progress writes how far an import is. Errors of the writer are ignored: the
// rows matter more than the output.
type progress struct {
	w          io.Writer
	terminal   bool
	total      source.Counts
	read       map[source.Kind]int64
	began      time.Time
	last       time.Time
	sinceBegan int64
	width      int // of the line that is written again
}

// interval is how often a line is written: on a terminal it is the same line.
func (p *progress) interval() time.Duration {
	if p.terminal {
		return 200 * time.Millisecond
	}
	return 5 * time.Second
}

func newProgress(w io.Writer, terminal bool, total source.Counts, s *state) *progress {
	p := &progress{w: w, terminal: terminal, total: source.Counts{}, read: map[source.Kind]int64{}, began: time.Now(), last: time.Now()}
	maps.Copy(p.total, total)
	for kind, k := range s.Kinds {
		p.read[kind] = k.Counts.Read
	}
	return p
}

// load begins the time of the estimate.
func (p *progress) load() { p.began = time.Now() }

// partly says that only new rows of a kind are read: nobody knows how many.
func (p *progress) partly(kind source.Kind) { delete(p.total, kind) }

// rows notes that rows were stored.
func (p *progress) rows(kind source.Kind, n int64) {
	p.read[kind] += n
	p.sinceBegan += n
	if now := time.Now(); now.Sub(p.last) >= p.interval() {
		p.last = now
		p.line(kind, now)
	}
}

// line writes the state of a kind, and when everything may be done.
func (p *progress) line(kind source.Kind, now time.Time) {
	var all, read int64
	for k, n := range p.total {
		all += max(n, p.read[k])
		read += p.read[k]
	}
	rate := float64(p.sinceBegan) / max(now.Sub(p.began).Seconds(), 1e-3)
	text := fmt.Sprintf("%-10s %s", kind, group(p.read[kind]))
	if n := p.total[kind]; n > 0 {
		text += fmt.Sprintf(" of %s (%d %%)", group(max(n, p.read[kind])), min(100, p.read[kind]*100/n))
	}
	text += fmt.Sprintf("  %s rows/s", group(int64(rate)))
	if all > 0 && rate > 0 {
		left := time.Duration(float64(all-read) / rate * float64(time.Second)).Round(time.Second)
		text = bar(float64(read)/float64(all)) + " " + text + "  about " + left.String() + " left"
	}
	p.write(text, false)
}

// bar draws the part of everything that is done.
func bar(part float64) string {
	const width = 20
	n := int(part * width)
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "]"
}

// done notes that all rows of a kind are stored.
func (p *progress) done(kind source.Kind) {
	p.total[kind] = p.read[kind]
	p.write(fmt.Sprintf("%-10s %s rows", kind, group(p.read[kind])), true)
}

// step names what is done next.
func (p *progress) step(name string) { p.write(name, true) }

func (p *progress) write(text string, whole bool) {
	if p.w == nil {
		return
	}
	if !p.terminal {
		_, _ = fmt.Fprintln(p.w, text)
		return
	}
	line := "\r" + text + strings.Repeat(" ", max(0, p.width-len(text)))
	p.width = len(text)
	if whole {
		line, p.width = line+"\n", 0
	}
	_, _ = io.WriteString(p.w, line)
}

// group formats 1234567 as 1,234,567.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
