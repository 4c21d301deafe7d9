package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/byline-api/byline/gen/client"
)

func (s *stage) post(path, body, token string, into any) {
	_, answer := call{path: path, body: body, token: token}.do(s.s, "POST")
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		panic(err)
	}
}

// invitation returns the id of an invitation, whose admin as has created.
func (s *stage) invitation() (id int64) {
	err := s.s.DB.QueryRow(context.Background(), `INSERT INTO invitations (email, role, invited_by, expires_at)
		SELECT $1 || 'y@example.com', 'editor', id, now() + interval '1 hour' FROM users WHERE username = 'root' RETURNING id`, s.reader.Username).Scan(&id)
	if err != nil {
		panic(err)
	}
	return id
}

// reportArticle returns the reader's report of the author's article.
func reportArticle(s *stage) call {
	return call{path: "/reports", token: s.reader.Token, body: fmt.Sprintf(`{"kind":"article","id":%q,"reason":"Advertising"}`, s.slug)}
}

// reported returns the id of what the reader has reported, the author's
// article.
func (s *stage) reported() (id int64) {
	_, body := reportArticle(s).do(s.s, "POST")
	err := s.s.DB.QueryRow(context.Background(), `SELECT i.id FROM reported_items i JOIN users u ON u.id = i.author_id
		WHERE u.username = $1 AND i.kind = 'article' AND i.decided_at IS NULL`, s.author.Username).Scan(&id)
	if err != nil {
		panic(body)
	}
	return id
}

// preview returns the path of a preview of the author's article.
func (s *stage) preview() string {
	var created client.PreviewResponse
	s.post(article(s, "/previews"), "", s.author.Token, &created)
	return "/previews/" + created.Token
}

// elsewhere sends the valid request to other paths.
func elsewhere(id string, paths ...string) func(*stage) []call {
	return func(s *stage) (calls []call) {
		for _, path := range paths {
			calls = append(calls, valid[id](s).at(path))
		}
		return calls
	}
}

// elsewhereInArticle sends the valid request to other paths of the article.
func elsewhereInArticle(id string, suffixes ...string) func(*stage) []call {
	return func(s *stage) (calls []call) {
		for _, suffix := range suffixes {
			calls = append(calls, valid[id](s).at(article(s, suffix)))
		}
		return calls
	}
}

// stale sends tags that the article does not have; weak ones never match.
func stale(id string) func(*stage) []call {
	return staleAt(id, func(s *stage) string { return article(s, "") })
}

// staleSeries is stale for a series.
func staleSeries(id string) func(*stage) []call { return staleAt(id, series) }

// staleAt is stale for what has a path.
func staleAt(id string, path func(*stage) string) func(*stage) []call {
	return func(s *stage) []call {
		res, _ := s.s.Do("GET", path(s), "")
		c := valid[id](s)
		return []call{c.with("If-Match", `"0.old"`), c.with("If-Match", `"nonsense"`), c.with("If-Match", "W/"+res.Header.Get("ETag"))}
	}
}

func longHeader(id, name string) func(*stage) []call {
	return func(s *stage) []call {
		return []call{valid[id](s).with(name, `"`+strings.Repeat("x", 1024)+`"`)}
	}
}

func bodies(c call, texts ...string) (calls []call) {
	for _, text := range texts {
		calls = append(calls, c.sending(text))
	}
	return calls
}

// reusedKey repeats a call that has succeeded, with the same idempotency key
// and another body.
func reusedKey(s *stage, id, method string, c call) call {
	c = c.with("Idempotency-Key", id+" "+s.slug)
	c.do(s.s, method)
	other := strings.NewReplacer("correct", "another", "words", "letters", "First", "Second").Replace(c.body)
	return c.sending(other)
}
