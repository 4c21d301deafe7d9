package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/servertest"
)

// world makes random writes and reads among a few users, articles and tags,
// so that they often meet.
type world struct {
	users     []servertest.User
	moderator servertest.User
	editor    servertest.User
	admin     servertest.User
	guest     servertest.User // is suspended now and then
	names     []string        // of users, which change
	slugs     []string        // current and former slugs of articles
	series    []string        // slugs of series, some of which are deleted now and then
	last      string          // the last write, for failure messages
	n         int
}

func newWorld(s *servertest.Service, users int) *world {
	w := &world{moderator: s.Register("moderator")}
	s.SetRole(w.moderator.Username, auth.Moderator)
	w.editor = s.Register("editor")
	s.SetRole(w.editor.Username, auth.Editor)
	for i := range users {
		u := s.Register(fmt.Sprintf("person%d", i))
		w.users, w.names = append(w.users, u), append(w.names, u.Username)
	}
	w.admin, w.guest = s.Register("admin"), s.Register("guest")
	s.SetRole(w.admin.Username, auth.Admin)
	w.names = append(w.names, w.guest.Username)
	w.slugs = append(w.slugs, s.Publish(w.guest, "By a guest", "x").Slug)
	for _, path := range []string{"/articles/" + w.slugs[0] + "/comments", "/profiles/" + w.names[0] + "/follow"} {
		s.Do(http.MethodPost, path, `{"comment":{"body":"by a guest"}}`, "Authorization", "Token "+w.guest.Token)
	}
	for i := range 3 {
		w.slugs = append(w.slugs, s.Publish(w.users[i], fmt.Sprintf("Article %d", i), "x", "y").Slug)
	}
	for i := range 3 {
		title := fmt.Sprintf("Series %d", i)
		s.Do(http.MethodPost, "/series", fmt.Sprintf(`{"series":{"title":%q}}`, title), "Authorization", "Token "+w.editor.Token)
		w.series = append(w.series, fmt.Sprintf("series-%d", i))
	}
	return w
}

var (
	slugOf    = regexp.MustCompile(`"slug":"([^"]+)"`)
	commentID = regexp.MustCompile(`"id":(\d+)`)
)

// write makes a random write as a random user. A refusal is fine: then others
// must see no change.
func (w *world) write(s *servertest.Service, rng *rand.Rand) {
	w.n++
	who := rng.IntN(len(w.users))
	slug := w.slugs[rng.IntN(len(w.slugs))]
	method, path, body, token := "", "", "", w.users[who].Token
	switch rng.IntN(19) {
	case 0:
		method, path = http.MethodPost, "/articles"
		body = fmt.Sprintf(`{"article":{"title":"Article %d","description":"d","body":"b","tagList":["%c"]}}`, rng.IntN(40), 'x'+rune(rng.IntN(3)))
	case 1:
		method, path, body = http.MethodPut, "/articles/"+slug, fmt.Sprintf(`{"article":{"title":"Article %d"}}`, rng.IntN(40))
	case 2:
		method, path, body = http.MethodPut, "/articles/"+slug, fmt.Sprintf(`{"article":{"body":"b%d","tagList":["%c"]}}`, w.n, 'x'+rune(rng.IntN(3)))
	case 3:
		method, path = http.MethodDelete, "/articles/"+slug
		if rng.IntN(3) > 0 { // seldom, so that something is left
			method = http.MethodPut
			body = `{"article":{"tagList":[]}}`
		}
	case 4:
		method, path = [...]string{http.MethodPost, http.MethodDelete}[rng.IntN(2)], "/articles/"+slug+"/favorite"
	case 5:
		method, path, body = http.MethodPost, "/articles/"+slug+"/comments", fmt.Sprintf(`{"comment":{"body":"c%d"}}`, w.n)
		_, comments := s.Do(http.MethodGet, path, "")
		if m := commentID.FindStringSubmatch(comments); m != nil {
			switch rng.IntN(3) {
			case 0:
				body = fmt.Sprintf(`{"comment":{"body":"r%d","parentId":%s}}`, w.n, m[1])
			case 1:
				method, path = http.MethodPut, path+"/"+m[1]
			}
		}
	case 6:
		method, path, body = http.MethodPut, "/user", fmt.Sprintf(`{"user":{"bio":"bio %d"}}`, w.n)
	case 7:
		name := fmt.Sprintf("person%dx%d", who, rng.IntN(3))
		method, path, body = http.MethodPut, "/user", fmt.Sprintf(`{"user":{"username":%q}}`, name)
		w.names = append(w.names, name)
	case 8:
		_, comments := s.Do(http.MethodGet, "/articles/"+slug+"/comments", "")
		method, path = http.MethodDelete, "/articles/"+slug+"/comments/1"
		if m := commentID.FindStringSubmatch(comments); m != nil {
			path = "/articles/" + slug + "/comments/" + m[1]
		}
	case 9, 10:
		token, path = w.moderator.Token, "/articles/"+slug
		_, comments := s.Do(http.MethodGet, path+"/comments", "", "Authorization", "Token "+token)
		if m := commentID.FindStringSubmatch(comments); m != nil && rng.IntN(3) == 0 {
			path += "/comments/" + m[1]
		}
		method, path, body = http.MethodPut, path+"/hidden", fmt.Sprintf(`{"reason":"r%d"}`, rng.IntN(2))
		if rng.IntN(2) == 0 {
			method, body = http.MethodDelete, ""
		}
	case 11, 12:
		method, path = [...]string{http.MethodPost, http.MethodDelete}[rng.IntN(2)], "/profiles/"+w.names[rng.IntN(len(w.names))]+"/follow"
	case 18:
		method, path = [...]string{http.MethodPost, http.MethodDelete}[rng.IntN(2)], "/profiles/"+w.names[rng.IntN(len(w.names))]+"/block"
	case 14:
		token, method, path = w.editor.Token, http.MethodPut, "/articles/"+slug
		body = fmt.Sprintf(`{"article":{"author":%q}}`, w.names[rng.IntN(len(w.names))])
	case 15:
		token, method, path = w.editor.Token, http.MethodPut, "/articles/"+slug
		body = [...]string{
			fmt.Sprintf(`{"article":{"series":{"slug":%q}}}`, pick(rng, w.series)), fmt.Sprintf(`{"article":{"translationOf":%q}}`, pick(rng, w.slugs)),
			fmt.Sprintf(`{"article":{"series":{"slug":%q,"position":1}}}`, pick(rng, w.series)), `{"article":{"series":null,"translationOf":null}}`,
		}[rng.IntN(4)]
	case 16:
		token, method, path = w.editor.Token, http.MethodPut, "/series/"+pick(rng, w.series)
		body = [...]string{fmt.Sprintf(`{"series":{"title":"Title %d"}}`, w.n), fmt.Sprintf(`{"series":{"articles":[%q]}}`, slug)}[rng.IntN(2)]
		if rng.IntN(4) == 0 { // seldom, so that something is left
			s.Do(http.MethodDelete, path, "", "Authorization", "Token "+token)
			method, body = http.MethodPost, fmt.Sprintf(`{"series":{"title":"Again","slug":%q}}`, path[len("/series/"):])
			path = "/series"
		}
	case 17:
		token, method, path = w.editor.Token, http.MethodPost, "/articles/"+slug+[...]string{"/publish", "/publish", "/unpublish"}[rng.IntN(3)]
	case 13:
		token, method, path = w.admin.Token, http.MethodPut, "/admin/users/"+w.guest.Username+"/suspension"
		body = fmt.Sprintf(`{"reason":"r%d"}`, w.n)
		if rng.IntN(2) == 0 {
			method, body = http.MethodDelete, ""
		}
	}
	res, answer := s.Do(method, path, body, "Authorization", "Token "+token)
	if m := slugOf.FindStringSubmatch(answer); m != nil && res.StatusCode < 300 && strings.HasPrefix(path, "/articles") {
		w.slugs = append(w.slugs, m[1])
	}
	w.last = fmt.Sprintf("%s %s %s: %d", method, path, body, res.StatusCode)
}
