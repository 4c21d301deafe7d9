package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	tagsOfArticle = 30 // as many as the document permits
	tagRounds     = 240
	tagSamples    = 40
	// tagArticles have more tags together than the list shows.
	tagArticles = 40
	tagsShown   = 1000
	// tagsLength bounds the list: its tags have 50 characters of 4 bytes.
	tagsLength = 300 << 10
)

// manyTags publishes and deletes articles with many tags. What is gone must cost
// nothing.
func manyTags(s *site) []attack {
	const group = "many tags"
	return []attack{
		{group, "tags that are gone cost nothing", func(s *site) (r result) {
			before := r.tagsTime(s)
			r.must(together(tagRounds, func(int) error { return s.flash(s.rival, s.tagged(20)) }))
			after := r.tagsTime(s)
			// The limit is wide, since other attacks run at the same time; a
			// machine may be busy with them for seconds.
			limit := 4*before + 5*time.Millisecond
			for try := 0; try < 3 && after > limit; try++ {
				time.Sleep(2 * time.Second)
				after = min(after, r.tagsTime(s))
			}
			if after > limit {
				r.complain("GET /api/tags took %s, and %s after %d tags had come and gone", before, after, tagRounds*tagsOfArticle)
			}
			return r
		}},
		{group, "the same tags, at once", func(s *site) (r result) {
			body := s.tagged(20)
			r.must(together(tagRounds/4, func(int) error { return s.flash(s.rival, body) }))
			r.noTags(s)
			return r
		}},
		{group, "more tags than the list shows", func(s *site) (r result) {
			slugs := make([]string, tagArticles)
			r.must(together(tagArticles, func(i int) (err error) {
				slugs[i], err = s.publish(s.rival, s.tagged(50))
				return err
			}))
			a := r.expects(s, message{method: "GET", target: "/api/tags"}, status(200))
			if list, _ := decoded(a)["tags"].([]any); len(list) > tagsShown || len(a.body) > tagsLength {
				r.complain("GET /api/tags has %d tags and %d bytes", len(list), len(a.body))
			}
			r.must(together(tagArticles, func(i int) error { return s.remove(s.rival, slugs[i]) }))
			r.noTags(s)
			return r
		}},
	}
}

// tagged returns an article with tags of a length that no other article has.
func (s *site) tagged(length int) string {
	title := s.name("tagged")
	tags := make([]string, tagsOfArticle)
	for i := range tags {
		tags[i] = fmt.Sprintf("%s.%d.", title, i)
		tags[i] += strings.Repeat("😀", max(0, length-len(tags[i])))
	}
	return object("article", map[string]any{"title": title, "description": "d", "body": "b", "tagList": tags})
}

// flash publishes an article and deletes it.
func (s *site) flash(a account, body string) error {
	slug, err := s.publish(a, body)
	if err != nil {
		return err
	}
	return s.remove(a, slug)
}

func (s *site) remove(a account, slug string) error {
	m := message{method: "DELETE", target: "/api/articles/" + slug, token: a.token}
	o := exchange(s.addr, m.raw(s.addr), 4*s.limit)
	if got := o.first().status; got != 204 {
		return fmt.Errorf("DELETE %s: status %d (%v)", m.target, got, o.err)
	}
	return nil
}

// tagsTime returns the median time of GET /tags after a change of the tags, so
// that no response is cached.
func (r *result) tagsTime(s *site) time.Duration {
	var times []time.Duration
	for range tagSamples {
		if !r.must(s.flash(s.rival, article(s.name("sample")))) {
			return 0
		}
		r.expects(s, message{method: "GET", target: "/api/tags"}, status(200))
		times = append(times, r.outcomes[len(r.outcomes)-1].took)
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// noTags expects that no tag of a deleted article is shown.
func (r *result) noTags(s *site) {
	a := r.expects(s, message{method: "GET", target: "/api/tags"}, status(200))
	if strings.Contains(string(a.body), "tagged-"+s.run) {
		r.complain("GET /api/tags shows tags of deleted articles")
	}
}
