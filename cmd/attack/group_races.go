package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// atOnce is the number of concurrent requests.
const atOnce = 50

// races sends the same write many times at once. Each outcome must be possible
// for some order of the requests.
func races(s *site) []attack {
	const group = "races"
	return []attack{
		{group, "one name, many registrations", func(s *site) (r result) {
			name := s.name("race")
			r.race(s, 20, func(i int) message {
				return message{method: "POST", target: "/api/users", body: registration(account{name: name, email: s.name("race") + "@example.com", password: "correct horse"})}
			}, 201, 409)
			r.exactly(1, 201)
			return r
		}},
		{group, "one address, many registrations", func(s *site) (r result) {
			email := s.name("race") + "@example.com"
			r.race(s, 20, func(i int) message {
				return message{method: "POST", target: "/api/users", body: registration(account{name: s.name("race"), email: email, password: "correct horse"})}
			}, 201, 409)
			r.exactly(1, 201)
			return r
		}},
		{group, "one title, many articles", func(s *site) (r result) {
			title := s.name("race")
			r.race(s, atOnce, func(int) message {
				return message{method: "POST", target: "/api/articles", token: s.rival.token, body: article(title)}
			}, 201)
			slugs := map[any]bool{}
			for _, o := range r.outcomes {
				if o.first().status == 201 {
					if slug := member(decoded(o.first()), "article", "slug"); slugs[slug] {
						r.complain("two articles have the slug %v", slug)
					} else {
						slugs[slug] = true
					}
				}
			}
			return r
		}},
		{group, "one key, one body", func(s *site) (r result) {
			key, title := "Idempotency-Key: "+s.name("key"), s.name("race")
			r.race(s, atOnce, func(int) message {
				return message{method: "POST", target: "/api/articles", token: s.rival.token, fields: []string{key}, body: article(title)}
			}, 201)
			r.same("article", "slug")
			return r
		}},
		{group, "one key, many bodies", func(s *site) (r result) {
			key := "Idempotency-Key: " + s.name("key")
			r.race(s, atOnce, func(int) message {
				return message{method: "POST", target: "/api/articles", token: s.rival.token, fields: []string{key}, body: article(s.name("race"))}
			}, 201, 409, 422)
			r.exactly(1, 201)
			return r
		}},
		{group, "favorite and unfavorite", func(s *site) (r result) {
			slug := r.article(s)
			r.race(s, atOnce, func(i int) message {
				return message{method: []string{"POST", "DELETE"}[i%2], target: "/api/articles/" + slug + "/favorite", token: s.victim.token}
			}, 200)
			r.sum(s, slug, s.victim.token)
			return r
		}},
		{group, "favorites of many at once", func(s *site) (r result) {
			slug := r.article(s)
			r.race(s, atOnce, func(i int) message {
				return message{method: "POST", target: "/api/articles/" + slug + "/favorite", token: []string{s.victim.token, s.rival.token}[i%2]}
			}, 200)
			if answer, err := s.call(message{method: "GET", target: "/api/articles/" + slug}, 200); err != nil || member(answer, "article", "favoritesCount") != 2.0 {
				r.complain("two users have it as favorite, and the count is %v (%v)", member(answer, "article", "favoritesCount"), err)
			}
			return r
		}},
		{group, "follow and unfollow", func(s *site) (r result) {
			r.race(s, atOnce, func(i int) message {
				return message{method: []string{"POST", "DELETE"}[i%2], target: "/api/profiles/" + s.rival.name + "/follow", token: s.victim.token}
			}, 200)
			return r
		}},
		{group, "delete twice", func(s *site) (r result) {
			slug := r.article(s)
			r.race(s, atOnce, func(int) message {
				return message{method: "DELETE", target: "/api/articles/" + slug, token: s.rival.token}
			}, 204, 404)
			r.exactly(1, 204)
			return r
		}},
		{group, "delete a comment twice", func(s *site) (r result) {
			slug, comment, err := s.write(s.rival)
			r.must(err)
			r.race(s, atOnce, func(int) message {
				return message{method: "DELETE", target: "/api/articles/" + slug + "/comments/" + comment, token: s.rival.token}
			}, 204, 404)
			r.exactly(1, 204)
			return r
		}},
		{group, "edit with one tag", func(s *site) (r result) {
			slug := r.article(s)
			tag := s.do(message{method: "GET", target: "/api/articles/" + slug, token: s.rival.token}).first().header.Get("ETag")
			r.race(s, atOnce, func(i int) message {
				return message{method: "PUT", target: "/api/articles/" + slug, token: s.rival.token, fields: []string{"If-Match: " + tag},
					body: object("article", map[string]any{"body": fmt.Sprintf("edit %d", i)})}
			}, 200, 412)
			r.exactly(1, 200)
			return r
		}},
		{group, "rename at once", func(s *site) (r result) {
			slug := r.article(s)
			r.race(s, atOnce, func(i int) message {
				return message{method: "PUT", target: "/api/articles/" + slug, token: s.rival.token, body: object("article", map[string]any{"title": s.name("renamed")})}
			}, 200)
			if _, err := s.call(message{method: "GET", target: "/api/articles/" + slug}, 200); err != nil {
				r.complaints = append(r.complaints, "the first slug no longer works: "+err.Error())
			}
			return r
		}},
		{group, "comment, favorite and edit during a deletion", func(s *site) (r result) {
			slug := r.article(s)
			at := "/api/articles/" + slug
			r.race(s, atOnce, func(i int) message {
				return []message{
					{method: "POST", target: at + "/comments", token: s.victim.token, body: object("comment", map[string]any{"body": "race"})},
					{method: "POST", target: at + "/favorite", token: s.victim.token},
					{method: "PUT", target: at, token: s.rival.token, body: object("article", map[string]any{"body": "race", "tagList": []string{s.name("tag")}})},
					{method: "GET", target: at},
					{method: "DELETE", target: at, token: s.rival.token},
				}[i%5]
			}, 200, 201, 204, 404)
			r.exactly(1, 204)
			return r
		}},
		{group, "one refresh token, many renewals", func(s *site) (r result) {
			a, err := s.register("renewal")
			if err != nil {
				r.complaints = append(r.complaints, err.Error())
				return r
			}
			made, err := s.call(message{method: "POST", target: "/api/sessions", body: object("user", map[string]any{"email": a.email, "password": a.password})}, 201)
			before, errBefore := s.sessions(a)
			refresh, _ := json.Marshal(map[string]any{"refreshToken": member(made, "tokens", "refreshToken")})
			r.race(s, 20, func(int) message {
				return message{method: "POST", target: "/api/sessions/refresh", body: string(refresh)}
			}, 200, 401)
			after, errAfter := s.sessions(a)
			if err := errors.Join(err, errBefore, errAfter); err != nil || after > before {
				r.complain("%d sessions before, %d after (%v)", before, after, err)
			}
			return r
		}},
		{group, "two users swap names", func(s *site) (r result) {
			a, errA := s.register("swap")
			b, errB := s.register("swap")
			if errA != nil || errB != nil {
				r.complaints = append(r.complaints, fmt.Sprint(errA, errB))
			}
			tokens, names := []string{a.token, b.token}, []string{b.name, a.name}
			r.race(s, atOnce, func(i int) message {
				return message{method: "PUT", target: "/api/user", token: tokens[i%2], body: object("user", map[string]any{"username": names[i%2]})}
			}, 200, 409, 401)
			return r
		}},
	}
}

// sessions returns the number of sessions of an account.
func (s *site) sessions(a account) (int, error) {
	answer, err := s.call(message{method: "GET", target: "/api/sessions", token: a.token}, 200)
	list, _ := answer["sessions"].([]any)
	return len(list), err
}

// race sends n requests at once. Each response must have one of the statuses.
func (r *result) race(s *site, n int, build func(i int) message, want ...int) {
	var (
		start sync.WaitGroup
		done  sync.WaitGroup
		mu    sync.Mutex
	)
	start.Add(1)
	for i := range n {
		m := build(i)
		done.Go(func() {
			start.Wait()
			o := s.do(m)
			mu.Lock()
			defer mu.Unlock()
			r.want(o, m.method+" "+m.target, want...)
		})
	}
	start.Done()
	done.Wait()
}

// want adds an outcome, whose response must have one of the statuses.
func (r *result) want(o outcome, what string, statuses ...int) {
	r.outcomes = append(r.outcomes, o)
	if complaint := status(statuses...)(o); complaint != "" {
		r.complaints = append(r.complaints, what+": "+complaint)
	}
}

// exactly expects a number of responses with a status. If requests were
// temporarily refused, it is possible that none succeeded.
func (r *result) exactly(want, status int) {
	n, limited := 0, 0
	for _, o := range r.outcomes {
		switch a := o.first(); {
		case a.status == status:
			n++
		case a.status == 429 || deliberate(a):
			limited++
		}
	}
	if n != want && !(n < want && limited > 0) {
		r.complain("%d responses with status %d, want %d", n, status, want)
	}
}

// same expects one value in all successful responses.
func (r *result) same(path ...string) {
	values := map[any]bool{}
	for _, o := range r.outcomes {
		if a := o.first(); a.status < 300 {
			values[member(decoded(a), path...)] = true
		}
	}
	if len(values) != 1 {
		r.complain("%d different values, want one", len(values))
	}
}

// article creates an article of the rival for a race.
func (r *result) article(s *site) (slug string) {
	slug, _, err := s.write(s.rival)
	r.must(err)
	return slug
}

// sum expects that the count of favorites fits the favorite of the only user.
func (r *result) sum(s *site, slug, token string) {
	answer, err := s.call(message{method: "GET", target: "/api/articles/" + slug, token: token}, 200)
	count, marked := member(answer, "article", "favoritesCount"), member(answer, "article", "favorited")
	if err != nil || marked == true && count != 1.0 || marked == false && count != 0.0 {
		r.complain("favorited %v, count %v (%v)", marked, count, err)
	}
}
