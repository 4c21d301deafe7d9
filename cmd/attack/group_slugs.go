package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const (
	slugsWanted  = 200 // by titles too
	earlierSlugs = 50  // the maximum that lead to an article
)

// squatting takes names that others want: by renaming one article, by drafts,
// and when an article is withdrawn or deleted. The group "schedules" has more.
func squatting(*site) []attack {
	return []attack{
		{"slugs", "a name for each of many titles", renamesAgain},
		{"slugs", "names that drafts will get", foresees},
		{"slugs", "names of withdrawn and deleted articles", inherits},
		{"slugs", "one name, many claims", claimsAtOnce},
	}
}

func withSlug(a account, slug string, status string) message {
	return entitled(a, "Named "+slug, map[string]any{"slug": slug, "status": status})
}

// renamesAgain renames an article, and counts the slugs that others cannot have
// then.
func renamesAgain(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	names := make([]string, slugsWanted)
	for i := range names {
		names[i] = s.name("name")
	}
	slug := slugIn(r.expects(s, withSlug(author, names[0], "published"), status(201)))
	r.expects(s, changing(author, slug, "", map[string]any{"slug": nil}), status(200))
	const atATime = 25 // more at once would be refused because of the load
	for first := 0; first < slugsWanted; first += atATime {
		r.race(s, atATime, func(i int) message {
			member := "title"
			if i%2 == 0 {
				member = "slug"
			}
			return changing(author, slug, "", map[string]any{member: names[first+i]})
		}, 200, 422)
	}
	current := slugIn(r.expects(s, message{method: "GET", target: "/api/articles/" + slug}, status(200)))
	taken := 0
	for _, name := range names {
		a := r.expects(s, withSlug(stranger, name, "published"), status(201, 409))
		if a.status != http.StatusConflict {
			continue
		}
		taken++
		if got := slugIn(r.expects(s, message{method: "GET", target: "/api/articles/" + name}, status(200))); got != current {
			r.complain("the taken slug %s leads to %s", name, got)
		}
	}
	if taken < 2 || taken > earlierSlugs+1 {
		r.complain("one article takes %d slugs", taken)
	}
	r.expects(s, message{method: "DELETE", target: "/api/articles/" + slug, token: author.token}, status(204))
	r.expects(s, withSlug(stranger, slug, "published"), status(201))
	return r
}

var tagOfArticle = regexp.MustCompile(`^"([0-9a-z]+)v`)

// articleID returns the id of the article in a response, with which its entity
// tag begins.
func articleID(a answer) string {
	if found := tagOfArticle.FindStringSubmatch(a.header.Get("ETag")); found != nil {
		return found[1]
	}
	return ""
}

// foresees creates drafts with the slug that somebody wants, and with those
// that the service could give such a draft instead. Neither an article nor a
// scheduled one may be kept from its slug.
func foresees(s *site) (r result) {
	author, squatter, ok := r.accounts(s)
	if !ok {
		return r
	}
	const before = 5 * time.Second
	due := time.Now().Add(before)
	wanted := []string{s.name("wanted"), s.name("wanted")}
	for _, name := range wanted {
		a := r.expects(s, withSlug(squatter, name, "draft"), status(201))
		id, err := strconv.ParseInt(articleID(a), 36, 64)
		r.must(err)
		suffixes := []string{"draft", "article", fmt.Sprint(id)}
		for _, suffix := range suffixes {
			r.expects(s, withSlug(squatter, name+"-"+suffix, "draft"), status(201))
		}
	}
	later := entitled(author, "Later", map[string]any{"slug": wanted[1], "status": "scheduled", "publishedAt": due.UTC().Format(time.RFC3339Nano)})
	r.expects(s, later, status(201))
	r.expects(s, withSlug(author, wanted[0], "published"), status(201))
	owner := func(name string) any {
		a := s.do(message{method: "GET", target: "/api/articles/" + name}).first()
		return member(decoded(a), "article", "author", "username")
	}
	if got := owner(wanted[0]); got != author.name {
		r.complain("the slug leads to %v", got)
	}
	for owner(wanted[1]) != author.name {
		if time.Since(due) > 6*time.Second {
			r.complain("a draft keeps a scheduled article from its slug")
			return r
		}
		time.Sleep(50 * time.Millisecond)
	}
	return r
}

// inherits wants the slugs of articles that are not public any more. That of a
// withdrawn article stays its own; that of a deleted one is free for all, once.
func inherits(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	first, second := s.name("inherited"), s.name("inherited")
	slug := slugIn(r.expects(s, withSlug(author, first, "published"), status(201)))
	r.expects(s, changing(author, slug, "", map[string]any{"slug": second}), status(200))
	r.expects(s, message{method: "POST", target: "/api/articles/" + slug + "/unpublish", token: author.token}, status(200))
	for _, name := range []string{first, second} {
		for _, state := range []string{"published", "draft"} {
			r.expects(s, withSlug(stranger, name, state), status(409))
		}
		if got := slugIn(r.expects(s, entitled(stranger, name, nil), status(201))); got == name {
			r.complain("the slug %s of a withdrawn article leads to another one", name)
		}
		r.expects(s, message{method: "GET", target: "/api/articles/" + name}, status(404))
	}
	r.expects(s, message{method: "POST", target: "/api/articles/" + slug + "/publish", token: author.token}, status(200))
	if got := slugIn(r.expects(s, message{method: "GET", target: "/api/articles/" + first}, status(200))); got != second {
		r.complain("the slug %s leads to %s", first, got)
	}
	claims := result{}
	claims.race(s, 20, func(i int) message {
		if i == 5 {
			return message{method: "DELETE", target: "/api/articles/" + second, token: author.token}
		}
		return withSlug(stranger, second, "published")
	}, 201, 204, 409)
	winners := 0
	for _, o := range claims.outcomes {
		if o.first().status == http.StatusCreated {
			winners++
		}
	}
	if winners > 1 {
		r.complain("%d articles have got the slug of a deleted one", winners)
	}
	r.outcomes, r.complaints = append(r.outcomes, claims.outcomes...), append(r.complaints, claims.complaints...)
	return r
}

// claimsAtOnce claims one slug by new articles, by renaming and by publishing
// drafts, of two authors.
func claimsAtOnce(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	name := s.name("claimed")
	authors := []account{author, stranger}
	var claims []message
	for _, a := range authors {
		draft := slugIn(r.expects(s, withSlug(a, name, "draft"), status(201)))
		claims = append(claims, message{method: "POST", target: "/api/articles/" + draft + "/publish", token: a.token})
		for range 8 {
			other := slugIn(r.expects(s, entitled(a, s.name("other"), nil), status(201)))
			claims = append(claims, changing(a, other, "", map[string]any{"slug": name}), withSlug(a, name, "published"))
		}
	}
	race := result{}
	race.race(s, len(claims), func(i int) message { return claims[i] }, 200, 201, 403, 404, 409)
	// Publishing a draft can lead to the article that has its slug by now.
	owners := map[string]bool{}
	for _, o := range race.outcomes {
		if a := o.first(); slugIn(a) == name {
			owners[articleID(a)] = true
		}
	}
	if len(owners) != 1 {
		r.complain("%d articles have got one slug", len(owners))
	}
	r.expects(s, message{method: "GET", target: "/api/articles/" + name}, status(200))
	r.outcomes, r.complaints = append(r.outcomes, race.outcomes...), append(r.complaints, race.complaints...)
	return r
}
