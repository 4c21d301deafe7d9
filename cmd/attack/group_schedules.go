package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// schedules attacks articles that are not public yet: it looks for their slugs,
// takes these away, and makes thousands of articles due in one second.
func schedules(*site) []attack {
	return []attack{
		{"schedules", "looking for the slugs of drafts", looksForSlugs},
		{"schedules", "slug squatting", squats},
		{"schedules", "the same title at once", sameTitles},
		{"schedules", "hostile times", hostileTimes},
		{"schedules", "a flood for one second", floodsSchedule},
	}
}

// accounts creates an author and a stranger.
func (r *result) accounts(s *site) (author, stranger account, ok bool) {
	author, err := s.register("author")
	if !r.must(err) {
		return author, stranger, false
	}
	stranger, err = s.register("stranger")
	return author, stranger, r.must(err)
}

// entitled returns the request that creates an article with a title and more
// members.
func entitled(a account, title string, members map[string]any) message {
	all := map[string]any{"title": title, "description": "d", "body": "b"}
	for name, value := range members {
		all[name] = value
	}
	return message{method: "POST", target: "/api/articles", token: a.token, body: object("article", all)}
}

// slugIn returns the slug of the article in a response.
func slugIn(a answer) string {
	slug, _ := member(decoded(a), "article", "slug").(string)
	return slug
}

var asDraft = map[string]any{"status": "draft"}

// scheduledFor returns the members of an article that is published at a time.
func scheduledFor(at any) map[string]any {
	if t, ok := at.(time.Time); ok {
		at = t.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{"status": "scheduled", "publishedAt": at}
}

// looksForSlugs compares what a stranger sees of the slug of a draft, and of a
// scheduled article, with what the stranger sees of a slug that nobody has.
func looksForSlugs(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	for i, members := range []map[string]any{{"status": "draft"}, scheduledFor(time.Now().Add(time.Hour)), {"status": "review"}} {
		title := fmt.Sprintf("Merger with %s %d", author.name, i)
		marker := s.name("marker")
		members["description"] = marker
		slug := slugIn(r.expects(s, entitled(author, title, members), status(201)))
		for _, token := range []string{"", stranger.token} {
			for _, m := range []message{
				{method: "GET", target: "/api/articles/%s"}, {method: "GET", target: "/api/articles/%s?format=html"}, {method: "GET", target: "/api/articles/%s/comments"},
				{method: "POST", target: "/api/articles/%s/comments", body: `{"comment":{"body":"x"}}`}, {method: "POST", target: "/api/articles/%s/favorite"},
				{method: "PUT", target: "/api/articles/%s", body: `{"article":{"title":"x"}}`}, {method: "DELETE", target: "/api/articles/%s"},
				{method: "POST", target: "/api/articles/%s/publish"}, {method: "POST", target: "/api/articles/%s/unpublish"}, {method: "POST", target: "/api/articles/%s/submit"},
				{method: "POST", target: "/api/articles/%s/previews"}, {method: "POST", target: "/api/batch/articles", body: `{"slugs":["%s"]}`},
			} {
				m.token = token
				if token == "" {
					m.fields = []string{"If-None-Match: *"}
				}
				var seen [2]string
				for j, name := range []string{slug, slug + "x"} {
					named := m
					if m.target == "/api/batch/articles" {
						named.body = fmt.Sprintf(m.body, name)
					} else {
						named.target = fmt.Sprintf(m.target, name)
					}
					a := r.expects(s, named, also(answered, silentOn(marker)))
					p := decoded(a)
					delete(p, "requestId")
					delete(p, "missing")
					seen[j] = fmt.Sprint(a.status, p)
				}
				if seen[0] != seen[1] {
					r.complain("%s %s tells that there is a draft: %s, %s", m.method, m.target, seen[0], seen[1])
				}
			}
		}
		// Nor does the slug that the same title gets.
		for _, other := range []map[string]any{asDraft, {"status": "published"}} {
			if got := slugIn(r.expects(s, entitled(stranger, title, other), status(201))); got != slug {
				r.complain("the slug %s tells that somebody has a draft with this title", got)
			}
			r.expects(s, message{method: "DELETE", target: "/api/articles/" + slug, token: stranger.token}, status(204))
		}
	}
	return r
}

// squats claims slugs with drafts, and with articles that were withdrawn before
// they were public, so that others do not get them.
func squats(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	title := "Election of " + author.name
	var squatted []string
	for range 10 {
		squatted = append(squatted, slugIn(r.expects(s, entitled(stranger, title, asDraft), status(201))))
	}
	later := slugIn(r.expects(s, entitled(stranger, title, scheduledFor(time.Now().Add(time.Hour))), status(201)))
	r.expects(s, message{method: "POST", target: "/api/articles/" + later + "/unpublish", token: stranger.token}, status(200))
	got := slugIn(r.expects(s, entitled(author, title, nil), status(201)))
	if got != squatted[0] {
		r.complain("a title that is nowhere public got the slug %s instead of %s", got, squatted[0])
	}
	r.expects(s, message{method: "GET", target: "/api/articles/" + got}, status(200))
	// The drafts are still there, and get other slugs.
	list := r.expects(s, message{method: "GET", target: "/api/user/articles?limit=100", token: stranger.token}, status(200))
	var page struct{ Articles []struct{ Slug string } }
	if !r.must(json.Unmarshal(list.body, &page)) || len(page.Articles) != 11 {
		r.complain("%d drafts are left of 11", len(page.Articles))
	}
	seen := map[string]bool{got: true}
	for _, a := range page.Articles {
		published := slugIn(r.expects(s, message{method: "POST", target: "/api/articles/" + a.Slug + "/publish", token: stranger.token}, status(200)))
		if seen[published] {
			r.complain("two articles have the slug %s", published)
		}
		seen[published] = true
	}
	a := r.expects(s, message{method: "GET", target: "/api/articles/" + got}, status(200))
	if member(decoded(a), "article", "author", "username") != author.name {
		r.complain("the slug leads to another article now")
	}
	return r
}

// sameTitles publishes drafts with the same title at the same time.
func sameTitles(s *site) (r result) {
	author, stranger, ok := r.accounts(s)
	if !ok {
		return r
	}
	authors := []account{author, stranger}
	var drafts []message
	for i := range 20 {
		a := authors[i%2]
		slug := slugIn(r.expects(s, entitled(a, "Breaking news of "+author.name, asDraft), status(201)))
		drafts = append(drafts, message{method: "POST", target: "/api/articles/" + slug + "/publish", token: a.token})
	}
	published := result{}
	// A draft gets another slug when the first article is published, and its old
	// one leads to that article, which may be somebody else's.
	published.race(s, len(drafts), func(i int) message { return drafts[i] }, 200, 403, 404)
	seen := map[string]bool{}
	for _, o := range published.outcomes {
		if slug := slugIn(o.first()); o.first().status == 200 {
			if seen[slug] {
				r.complain("two articles have the slug %s", slug)
			}
			seen[slug] = true
		}
	}
	if len(seen) == 0 {
		r.complain("nothing was published")
	}
	r.outcomes, r.complaints = append(r.outcomes, published.outcomes...), append(r.complaints, published.complaints...)
	return r
}

// hostileTimes schedules for times that are none, or that would be public at
// once or never.
func hostileTimes(s *site) (r result) {
	author, _, ok := r.accounts(s)
	if !ok {
		return r
	}
	slug := slugIn(r.expects(s, entitled(author, "A draft of "+author.name, asDraft), status(201)))
	for _, at := range []any{
		time.Now().Add(-time.Second), time.Unix(0, 0), "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
		"2100-01-01T24:00:00Z", "2100-01-01T00:00:00", "2100-01-01", "2100-01-01T00:00:00+99:99", "294277-01-01T00:00:00Z", "infinity", "now", "tomorrow", "", 4102444800, true, []int{1},
		time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04:05") + "-00:00",
	} {
		r.expects(s, entitled(author, "Time of "+author.name, scheduledFor(at)), status(422))
		if t, ok := at.(time.Time); ok {
			at = t.UTC().Format(time.RFC3339Nano)
		}
		body, err := json.Marshal(map[string]any{"publishAt": at})
		r.must(err)
		r.expects(s, message{method: "POST", target: "/api/articles/" + slug + "/publish", token: author.token, body: string(body)}, status(422))
	}
	for _, members := range []map[string]any{
		{"status": "scheduled"}, {"publishedAt": "2100-01-01T00:00:00Z"}, {"status": "published", "publishedAt": "2100-01-01T00:00:00Z"}, {"status": "draft", "publishedAt": "2100-01-01T00:00:00Z"},
	} {
		r.expects(s, entitled(author, "State of "+author.name, members), status(422))
	}
	list := r.expects(s, message{method: "GET", target: "/api/articles?author=" + author.name}, status(200))
	if n := member(decoded(list), "articlesCount"); n != 0.0 {
		r.complain("%v articles became public", n)
	}
	return r
}

// floodsSchedule has as much published in one second as the service accepts, by
// creating articles and by scheduling them again and again. The article of
// somebody else is due in that second too, and must not be late.
func floodsSchedule(s *site) (r result) {
	author, flooder, ok := r.accounts(s)
	if !ok {
		return r
	}
	at := time.Now().Add(time.Hour)
	flood := result{}
	for range 6 { // more at once would be refused because of the load
		flood.race(s, 25, func(i int) message {
			return entitled(flooder, fmt.Sprintf("Flood %d of %s", i, flooder.name), scheduledFor(at))
		}, 201, 422)
	}
	flood.exactly(100, 201)
	r.outcomes, r.complaints = append(r.outcomes, flood.outcomes...), append(r.complaints, flood.complaints...)

	// All of them are scheduled again, several times, for the same second.
	list := r.expects(s, message{method: "GET", target: "/api/user/articles?limit=100", token: flooder.token}, status(200))
	var page struct{ Articles []struct{ Slug string } }
	r.must(json.Unmarshal(list.body, &page))
	due := time.Now().Add(15 * time.Second).Truncate(time.Second)
	for i := range 5 {
		r.must(together(len(page.Articles), func(j int) error {
			body := fmt.Sprintf(`{"publishAt":%q}`, due.Add(time.Duration(i)*time.Millisecond).UTC().Format(time.RFC3339Nano))
			_, err := s.call(message{method: "POST", target: "/api/articles/" + page.Articles[j].Slug + "/publish", token: flooder.token, body: body}, 200)
			return err
		}))
	}
	slug := slugIn(r.expects(s, entitled(author, "On time, by "+author.name, scheduledFor(due.Add(10*time.Millisecond))), status(201)))
	if time.Since(due) > -time.Second {
		s.unrun = append(s.unrun, "schedules: this machine is too slow to schedule much for one second")
		return r
	}
	for seen := 0; seen != http.StatusOK; time.Sleep(50 * time.Millisecond) {
		seen = s.do(message{method: "GET", target: "/api/articles/" + slug}).first().status
		switch late := time.Since(due); {
		case seen == http.StatusOK && late < 0:
			r.complain("an article was public %s before its time", -late)
		case late > 6*time.Second: // one, and what a busy machine takes
			r.complain("an article is not public %s after its time", late.Round(time.Millisecond))
			return r
		}
	}
	return r
}
