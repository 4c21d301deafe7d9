package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	floodedChanges = 1500 // of one text
	keptRevisions  = 100  // what an article keeps, besides what was public
	revisionReads  = 15
	// floodStorage is the maximum for an account of a service of its own.
	floodStorage = 1_000_000
	diffsAtOnce  = 40
	bodyLength   = 262_144 // characters, the maximum
	diffLines    = 100_000 // the maximum, of both texts
)

// revisions floods articles with changes, and compares texts for which that is
// costly.
func revisions(*site) []attack {
	return []attack{
		{"revisions", "a flood of changes of a draft", func(s *site) result { return floodsRevisions(s, "draft") }},
		{"revisions", "a flood of changes in public", func(s *site) result { return floodsRevisions(s, "published") }},
		{"revisions", "a flood of changes of a working copy", floodsWorkingCopy},
		{"revisions", "a flood of long texts", floodsStorage},
		{"revisions", "texts that are costly to compare", comparesCostly},
		{"revisions", "comparisons of strangers and of what is not there", comparesNothing},
	}
}

func changing(a account, slug, path string, members map[string]any) message {
	return message{method: "PUT", target: "/api/articles/" + slug + path, token: a.token, body: object("article", members)}
}

func revisionsOf(a account, slug, rest string) message {
	return message{method: "GET", target: "/api/articles/" + slug + "/revisions" + rest, token: a.token}
}

// changeOften changes a text from many connections. It returns the number of
// the newest revision.
func (r *result) changeOften(s *site, a account, slug, path string, n int) (newest int) {
	r.must(together(n, func(i int) error {
		_, err := s.call(changing(a, slug, path, map[string]any{"body": fmt.Sprintf("change %d of %s", i, slug)}), 200)
		return err
	}))
	last := r.expects(s, changing(a, slug, path, map[string]any{"body": "the last line\n"}), status(200))
	number, _ := member(decoded(last), "article", "revision").(float64)
	return int(number)
}

// numbersOf pages through the revisions of an article.
func (r *result) numbersOf(s *site, a account, slug string) (numbers []int) {
	cursor := ""
	for range 100 {
		answer := r.expects(s, revisionsOf(a, slug, "?limit=100"+cursor), status(200))
		var page struct {
			Revisions  []struct{ Number int }
			NextCursor *string
		}
		if !r.must(json.Unmarshal(answer.body, &page)) {
			return nil
		}
		for _, item := range page.Revisions {
			numbers = append(numbers, item.Number)
		}
		if page.NextCursor == nil {
			return numbers
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	r.complain("the pages of revisions do not end")
	return nil
}

// readTime returns the median time of reading an article, the list of its
// revisions and the newest difference.
func (r *result) readTime(s *site, a account, slug string, newest int) time.Duration {
	var times []time.Duration
	for range revisionReads {
		begun := time.Now()
		for _, m := range []message{
			{method: "GET", target: "/api/articles/" + slug, token: a.token}, revisionsOf(a, slug, ""), revisionsOf(a, slug, fmt.Sprintf("/%d/diff", newest)),
		} {
			r.expects(s, m, status(200))
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// requireFlooded checks what an article is after a flood of n changes.
func (r *result) requireFlooded(s *site, a account, slug string, newest, n int, before time.Duration) {
	if newest < n {
		r.complain("the newest revision has the number %d after %d changes", newest, n)
	}
	if after := r.readTime(s, a, slug, newest); after > 4*before+20*time.Millisecond { // other attacks run at the same time
		r.complain("an article and its revisions were read in %s, and after %d changes in %s", before, n, after)
	}
	newestDiff := r.expects(s, revisionsOf(a, slug, fmt.Sprintf("/%d/diff", newest)), status(200))
	if !strings.HasSuffix(string(newestDiff.body), "\\ No newline at end of file\n+the last line\n") {
		r.complain("the newest difference is %q", short(string(newestDiff.body), 200))
	}
	r.expects(s, message{method: "DELETE", target: "/api/articles/" + slug, token: a.token}, status(204))
	r.expects(s, revisionsOf(a, slug, ""), status(404))
}

// floodsRevisions changes an article again and again.
func floodsRevisions(s *site, state string) (r result) {
	author, _, ok := r.accounts(s)
	if !ok {
		return r
	}
	slug := slugIn(r.expects(s, entitled(author, "Flood of "+author.name, map[string]any{"status": state}), status(201)))
	r.expects(s, changing(author, slug, "", map[string]any{"body": "second"}), status(200))
	before := r.readTime(s, author, slug, 2)
	newest := r.changeOften(s, author, slug, "", floodedChanges)
	numbers := r.numbersOf(s, author, slug)
	want := keptRevisions
	if state == "published" {
		want = newest // what was public is kept
	}
	if len(numbers) != want || len(numbers) > 0 && numbers[0] != newest || !slices.IsSortedFunc(numbers, func(a, b int) int { return b - a }) {
		r.complain("%d revisions are kept, want %d up to number %d", len(numbers), want, newest)
	}
	r.requireFlooded(s, author, slug, newest, floodedChanges, before)
	return r
}

// floodsWorkingCopy changes, discards and restores unpublished changes again
// and again. What the public reads does not change.
func floodsWorkingCopy(s *site) (r result) {
	author, _, ok := r.accounts(s)
	if !ok {
		return r
	}
	slug := slugIn(r.expects(s, entitled(author, "Flood of "+author.name, nil), status(201)))
	public := r.expects(s, message{method: "GET", target: "/api/articles/" + slug}, status(200))
	r.expects(s, changing(author, slug, "/working-copy", map[string]any{"body": "second"}), status(200))
	before := r.readTime(s, author, slug, 2)
	r.must(together(200, func(i int) error {
		m := changing(author, slug, "/working-copy", map[string]any{"body": fmt.Sprint("copy ", i)})
		if i%4 == 0 {
			m = message{method: "DELETE", target: "/api/articles/" + slug + "/working-copy", token: author.token}
		}
		_, err := s.call(m, 200, 204, 404)
		return err
	}))
	newest := r.changeOften(s, author, slug, "/working-copy", floodedChanges)
	if numbers := r.numbersOf(s, author, slug); len(numbers) != keptRevisions+1 || numbers[keptRevisions] != 1 {
		r.complain("%d revisions are kept, want %d and the public one", len(numbers), keptRevisions)
	}
	if after := r.expects(s, message{method: "GET", target: "/api/articles/" + slug}, status(200)); string(after.body) != string(public.body) ||
		after.header.Get("ETag") != public.header.Get("ETag") {
		r.complain("what everybody reads has changed: %s", after.body)
	}
	r.requireFlooded(s, author, slug, newest, floodedChanges, before)
	return r
}

// floodsStorage changes long texts until the account is full.
func floodsStorage(s *site) result {
	return s.elsewhere("with little storage for an account", []string{"--account-storage", fmt.Sprint(floodStorage)}, func(s *site) (r result) {
		author, other, ok := r.accounts(s)
		if !ok {
			return r
		}
		slug := slugIn(r.expects(s, entitled(author, "Long texts", nil), status(201)))
		fill := func(path string) {
			flood := result{}
			flood.race(s, 40, func(i int) message {
				return changing(author, slug, path, map[string]any{"body": strings.Repeat(string(rune('a'+i%26)), 200_000+i)})
			}, 200, 422)
			stored := 0
			for _, o := range flood.outcomes {
				if o.first().status == 200 {
					stored++
				}
			}
			// Older texts may have twice the maximum.
			if stored > 3*floodStorage/200_000 {
				r.complain("%d texts of 200,000 bytes are stored for an account with %d bytes", stored, floodStorage)
			}
			r.outcomes, r.complaints = append(r.outcomes, flood.outcomes...), append(r.complaints, flood.complaints...)
			for _, n := range r.numbersOf(s, author, slug) {
				r.expects(s, revisionsOf(author, slug, fmt.Sprintf("/%d", n)), status(200))
			}
		}
		fill("")
		fill("/working-copy")
		r.expects(s, message{method: "GET", target: "/api/articles/" + slug}, status(200))
		r.expects(s, entitled(other, "Of somebody else", nil), status(201))
		r.expects(s, message{method: "DELETE", target: "/api/articles/" + slug, token: author.token}, status(204))
		r.expects(s, entitled(author, "After it", map[string]any{"body": strings.Repeat("x", 200_000)}), status(201))
		return r
	})
}

// linesOf returns a text of n lines.
func linesOf(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	return b.String()
}

// comparesCostly compares texts of the maximum length, or with the maximum
// number of lines, one after the other and all at once.
func comparesCostly(s *site) (r result) {
	author, _, ok := r.accounts(s)
	if !ok {
		return r
	}
	const n = diffLines/2 - 10
	hex := func(i int) string { return fmt.Sprintf("%x", i) }
	pairs := [][2]string{
		{linesOf(n, hex), linesOf(n, func(i int) string { return hex(n - i) })},                                    // in the other order
		{linesOf(n, func(int) string { return "a" }), linesOf(n, func(i int) string { return "ab"[i%2 : i%2+1] })}, // the same few lines
		{linesOf(n, func(int) string { return "" }) + "x", linesOf(n-1, func(int) string { return "" }) + "y"},     // empty lines
		{linesOf(n, func(i int) string { return hex(s.rand.IntN(100)) }), linesOf(n, func(i int) string { return hex(s.rand.IntN(100)) })},
		{strings.Repeat("😀", articleLength), strings.Repeat("漢", articleLength)},                                          // one line
		{linesOf(n/4, func(i int) string { return "  " + hex(i) + strings.Repeat("\r", 3) }), "\r\n" + linesOf(n/4, hex)}, // ends of lines
	}
	tooLong := [2]string{linesOf(bodyLength-1, func(int) string { return "" }) + "x", linesOf(bodyLength-1, func(int) string { return "" }) + "y"}
	var diffs []message
	for _, pair := range append(pairs, tooLong) {
		slug := slugIn(r.expects(s, entitled(author, s.name("compared"), map[string]any{"status": "draft", "body": pair[0]}), status(201)))
		r.expects(s, changing(author, slug, "", map[string]any{"body": pair[1]}), status(200))
		diffs = append(diffs, revisionsOf(author, slug, "/2/diff"))
	}
	for i, pair := range pairs {
		a := r.expects(s, diffs[i], status(200))
		if got, err := patched(pair[0], string(a.body)); a.status == 200 && (err != nil || got != pair[1]) {
			r.complain("the difference of the texts %d is not exact: %v", i, err)
		}
	}
	r.expects(s, diffs[len(pairs)], status(422))

	// At once. Others hardly notice, and the memory is checked after the group.
	done := make(chan result)
	go func() {
		all := result{}
		all.race(s, diffsAtOnce, func(i int) message { return diffs[i%len(pairs)] }, 200)
		done <- all
	}()
	for {
		select {
		case all := <-done:
			r.outcomes, r.complaints = append(r.outcomes, all.outcomes...), append(r.complaints, all.complaints...)
			return r
		case <-time.After(20 * time.Millisecond):
			r.expects(s, message{method: "GET", target: "/api/articles/" + s.slug}, status(200))
		}
	}
}

// patched applies the only part of a unified difference to a text.
func patched(text, unified string) (string, error) {
	old := strings.SplitAfter(text, "\n")
	lines := strings.SplitAfter(unified, "\n")
	if len(lines) < 3 {
		return "", errors.New("there is no difference")
	}
	var out strings.Builder
	at := 0
	take := func() error {
		if at == len(old) {
			return errors.New("it has more lines than the text")
		}
		at++
		return nil
	}
	for i, line := range lines[2:] {
		if i+3 < len(lines) && strings.HasPrefix(lines[i+3], `\ `) {
			line = strings.TrimSuffix(line, "\n")
		}
		switch {
		case strings.HasPrefix(line, "@@ "):
			var start int
			if _, err := fmt.Sscanf(line, "@@ -%d", &start); err != nil {
				return "", err
			}
			if !strings.HasPrefix(line, fmt.Sprintf("@@ -%d,0 ", start)) { // before the line, and not after it
				start--
			}
			for ; at < start && at < len(old); at++ {
				out.WriteString(old[at])
			}
		case line == "" || line[0] == '\\':
		case line[0] == '+':
			out.WriteString(line[1:])
		default:
			if err := take(); err != nil {
				return "", err
			}
			if old[at-1] != line[1:] {
				return "", fmt.Errorf("line %d is another one", at)
			}
			if line[0] == ' ' {
				out.WriteString(line[1:])
			}
		}
	}
	return out.String() + strings.Join(old[at:], ""), nil
}

// comparesNothing asks for revisions that are not there, and for those of
// somebody else.
func comparesNothing(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	slug := slugIn(r.expects(s, entitled(author, "Of "+author.name, nil), status(201)))
	r.expects(s, changing(author, slug, "", map[string]any{"body": "another"}), status(200))
	for _, rest := range []string{
		"/0", "/-1", "/3", "/2147483647", "/2147483648", "/9223372036854775808", "/1e0", "/1.0", "/%31%00", "/01x", "/2/diff?against=0", "/2/diff?against=-1", "/2/diff?against=3",
		"/2/diff?against=99999999999", "/2/diff?against=x", "/2/diff?against=1&against=2", "?cursor=x", "?limit=0", "?limit=101", "?limit=-1",
	} {
		r.expects(s, revisionsOf(author, slug, rest), status(400, 404, 422))
	}
	for _, token := range []string{"", stranger.token} {
		for _, m := range []message{
			revisionsOf(account{token: token}, slug, ""), revisionsOf(account{token: token}, slug, "/1"), revisionsOf(account{token: token}, slug, "/2/diff"),
			{method: "POST", target: "/api/articles/" + slug + "/revisions/1/restore", token: token},
			changing(account{token: token}, slug, "/working-copy", map[string]any{"body": "mine"}),
		} {
			r.expects(s, m, also(status(401, 404), silentOn("another")))
		}
	}
	return r
}
