package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// These make the longest responses that a few clients can ask for. The texts
// have characters of 4 bytes, since the document limits characters.
const (
	longArticles   = 40
	longComments   = 150
	shortComments  = 400 // each with the bio of its author
	writers        = 20  // with long bios and an article
	exporters      = 5   // with exports that do not fit into the buffers of a connection
	exportArticles = 8
	articleLength  = 245_000 // characters
	commentLength  = 16_384
	bioLength      = 10_000
	deafConnection = 20 // for each request
	longest        = 8 << 20
	// deafFor is how long they do not read: longer than the service waits.
	deafFor = 12 * time.Second
)

// library has the long texts, and the requests for them.
type library struct {
	slugs                   []string
	exporters               []account
	batch, comments, second message // second has many comments with long bios
	articles, profiles      message
}

// longResponses asks for much at once and does not read it. The check after the
// group bounds the memory of the process.
func longResponses(s *site) []attack {
	const group = "long responses"
	l := &library{}
	return []attack{
		{group, "publish long texts", func(s *site) (r result) {
			r.must(s.publishLong(l))
			return r
		}},
		{group, "a batch names what it has no room for", func(s *site) result { return s.reads(l.batch, "remaining") }},
		{group, "a page of comments ends early", func(s *site) result { return s.reads(l.comments, "nextCursor") }},
		{group, "a page of comments with long bios ends early", func(s *site) result { return s.reads(l.second, "nextCursor") }},
		{group, "a list of articles with long bios", func(s *site) result { return s.reads(l.articles, "articles") }},
		{group, "a batch of profiles with long bios", func(s *site) result { return s.reads(l.profiles, "profiles") }},
		{group, "many connections do not read", func(s *site) (r result) {
			if len(l.slugs) == 0 {
				return r
			}
			var wait sync.WaitGroup
			for i := range deafConnection {
				one := message{method: "GET", target: "/api/articles/" + l.slugs[i%len(l.slugs)], token: s.rival.token}
				for _, m := range []message{l.batch, l.comments, l.second, l.articles, l.profiles, one} {
					wait.Go(func() { ignore(s.addr, m.raw(s.addr), s.patient(deafFor)) })
				}
			}
			for begun := time.Now(); time.Since(begun) < s.patient(deafFor/2); time.Sleep(500 * time.Millisecond) {
				for _, target := range []string{"/api/tags", "/api/user", "/livez"} {
					r.expects(s, message{method: "GET", target: target, token: s.rival.token}, status(200))
				}
			}
			wait.Wait()
			return r
		}},
		{group, "a batch is read afterwards", func(s *site) result { return s.reads(l.batch, "remaining") }},
		{group, "exports that nobody reads block no other", func(s *site) (r result) {
			var wait sync.WaitGroup
			for _, a := range l.exporters {
				export := message{method: "GET", target: "/api/user/export", token: a.token}
				wait.Go(func() { ignore(s.addr, export.raw(s.addr), s.patient(deafFor/2)) })
			}
			time.Sleep(s.patient(time.Second)) // they have filled the buffers
			for range 3 {
				r.expects(s, message{method: "GET", target: "/api/user/export", token: s.victim.token}, also(served, exported))
			}
			for _, a := range l.exporters {
				o := s.do(message{method: "GET", target: "/api/user/export", token: a.token})
				if got := o.first().status; got != 429 {
					r.complain("a second export of an account at the same time: status %d, want 429", got)
				}
			}
			wait.Wait()
			return r
		}},
		{group, "HTTP/2 streams without a window", withoutWindow},
	}
}

// publishLong publishes the articles and comments of the rival, and accounts
// with long bios and long exports.
func (s *site) publishLong(l *library) error {
	l.slugs = make([]string, longArticles)
	if err := together(longArticles, func(i int) (err error) {
		l.slugs[i], err = s.publish(s.rival, longArticle(s.name("long")))
		return err
	}); err != nil {
		return err
	}
	names := make([]string, writers)
	if err := together(writers, func(i int) error {
		a, err := s.register("writer")
		if err != nil {
			return err
		}
		names[i] = a.name
		bio := object("user", map[string]any{"bio": strings.Repeat("😀", bioLength)})
		if _, err := s.call(message{method: "PUT", target: "/api/user", token: a.token, body: bio}, 200); err != nil {
			return err
		}
		_, err = s.publish(a, article(s.name("article of "+a.name)))
		return errors.Join(err, s.commentOn(a, l.slugs[1], object("comment", map[string]any{"body": "short"}), shortComments/writers))
	}); err != nil {
		return err
	}
	l.exporters = make([]account, exporters)
	if err := together(exporters, func(i int) (err error) {
		if l.exporters[i], err = s.register("exporter"); err != nil {
			return err
		}
		for range exportArticles {
			if _, err := s.publish(l.exporters[i], longArticle(s.name("long"))); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if err := together(longComments, func(int) error { return s.commentOn(s.rival, l.slugs[0], longComment(), 1) }); err != nil {
		return err
	}
	slugs, _ := json.Marshal(map[string]any{"slugs": l.slugs})
	usernames, _ := json.Marshal(map[string]any{"usernames": names})
	l.batch = message{method: "POST", target: "/api/batch/articles", body: string(slugs)}
	l.profiles = message{method: "POST", target: "/api/batch/profiles", body: string(usernames)}
	l.comments = message{method: "GET", target: "/api/articles/" + l.slugs[0] + "/comments"}
	l.second = message{method: "GET", target: "/api/articles/" + l.slugs[1] + "/comments"}
	l.articles = message{method: "GET", target: "/api/articles?limit=100"}
	return nil
}

func longArticle(title string) string {
	return object("article", map[string]any{"title": title, "description": "d", "body": strings.Repeat("😀", articleLength)})
}

func longComment() string {
	return object("comment", map[string]any{"body": strings.Repeat("😀", commentLength)})
}

// publish creates an article and returns its slug.
func (s *site) publish(a account, body string) (string, error) {
	answer, err := s.call(message{method: "POST", target: "/api/articles", token: a.token, body: body}, 201)
	slug, _ := member(answer, "article", "slug").(string)
	if err == nil && slug == "" {
		err = fmt.Errorf("a new article has no slug")
	}
	return slug, err
}

// commentOn writes many comments on an article.
func (s *site) commentOn(a account, slug, body string, n int) error {
	for range n {
		m := message{method: "POST", target: "/api/articles/" + slug + "/comments", token: a.token, body: body}
		if _, err := s.call(m, 200, 201); err != nil {
			return err
		}
	}
	return nil
}

// reads expects a response of bounded length with a member.
func (s *site) reads(m message, name string) (r result) {
	if m.method == "" {
		return r // publishing has failed, which was reported
	}
	o := s.do(m)
	for attempt := 0; deliberate(o.first()) && attempt < 20; attempt++ {
		time.Sleep(s.patient(time.Second))
		o = s.do(m)
	}
	switch a := o.first(); {
	case a.status != 200:
		r.complain("status %d, want 200", a.status)
	case len(a.body) > longest:
		r.complain("the response has %d bytes", len(a.body))
	case decoded(a)[name] == nil:
		r.complain("the response has no %s", name)
	}
	r.outcomes = append(r.outcomes, o)
	return r
}

// served expects 200 even from a service that has much to do.
func served(o outcome) string {
	if a := o.first(); a.status != 200 {
		return fmt.Sprintf("status %d, want 200: %s", a.status, short(string(a.body), 200))
	}
	return ""
}

// exported expects a complete export.
func exported(o outcome) string {
	if !strings.Contains(string(o.first().body), `"type":"end"`) {
		return "the export is not complete"
	}
	return ""
}

// ignore sends a request and does not read the response.
func ignore(addr string, sent []byte, during time.Duration) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	_, _ = conn.Write(sent)
	time.Sleep(during)
	_, _ = io.CopyN(io.Discard, conn, 1)
}
