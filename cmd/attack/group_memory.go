package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// These make the longest responses that a few clients can ask for. The bodies
// have characters of 4 bytes, since the document limits characters.
const (
	longArticles   = 100
	longComments   = 300
	articleLength  = 245_000 // characters
	commentLength  = 16_384
	deafConnection = 20 // for each request
	longest        = 8 << 20
	// deafFor is how long they do not read: longer than the service waits.
	deafFor = 12 * time.Second
)

// longResponses asks for much at once and does not read it. The check after the
// group bounds the memory of the process.
func longResponses(s *site) []attack {
	const group = "long responses"
	var slugs []string
	var batch, comments, article message
	return []attack{
		{group, "publish long texts", func(s *site) (r result) {
			var err error
			if slugs, err = s.publishLong(); err != nil {
				r.complaints = []string{err.Error()}
			}
			all, _ := json.Marshal(map[string]any{"slugs": slugs})
			batch = message{method: "POST", target: "/api/batch/articles", body: string(all)}
			if len(slugs) > 0 {
				article = message{method: "GET", target: "/api/articles/" + slugs[0]}
				comments = message{method: "GET", target: article.target + "/comments"}
			}
			return r
		}},
		{group, "a batch names what it has no room for", func(s *site) result { return s.reads(batch, "remaining") }},
		{group, "a page of comments ends early", func(s *site) result { return s.reads(comments, "nextCursor") }},
		{group, "many connections do not read", func(s *site) (r result) {
			if len(slugs) == 0 {
				return r
			}
			var wait sync.WaitGroup
			for i := range deafConnection {
				one := article
				one.target, one.token = "/api/articles/"+slugs[i%len(slugs)], s.rival.token
				for _, m := range []message{batch, comments, one} {
					wait.Go(func() { ignore(s.addr, m.raw(s.addr), s.patient(deafFor)) })
				}
			}
			for begun := time.Now(); time.Since(begun) < s.patient(deafFor/2); time.Sleep(500 * time.Millisecond) {
				for _, target := range []string{"/api/tags", "/api/user", "/livez"} {
					o := s.do(message{method: "GET", target: target, token: s.rival.token})
					r.outcomes = append(r.outcomes, o)
					if complaint := status(200)(o); complaint != "" {
						r.complaints = append(r.complaints, target+": "+complaint)
					}
				}
			}
			wait.Wait()
			return r
		}},
		{group, "a batch is read afterwards", func(s *site) result { return s.reads(batch, "remaining") }},
		{group, "HTTP/2 streams without a window", func(s *site) (r result) {
			if s.encrypted == nil {
				return r // the service was not started by this program
			}
			if err := s.encrypted(withoutWindow); err != nil {
				r.complaints = []string{err.Error()}
			}
			return r
		}},
	}
}

// publishLong publishes the articles, and comments on the first of them.
func (s *site) publishLong() (slugs []string, err error) {
	body := strings.Repeat("😀", articleLength)
	for range longArticles {
		in := map[string]any{"title": s.name("long"), "description": "d", "body": body}
		answer, err := s.call(message{method: "POST", target: "/api/articles", token: s.rival.token, body: object("article", in)}, 201)
		if err != nil {
			return nil, err
		}
		slug, _ := member(answer, "article", "slug").(string)
		slugs = append(slugs, slug)
	}
	comment := object("comment", map[string]any{"body": strings.Repeat("😀", commentLength)})
	for range longComments {
		m := message{method: "POST", target: "/api/articles/" + slugs[0] + "/comments", token: s.rival.token, body: comment}
		if _, err := s.call(m, 200, 201); err != nil {
			return nil, err
		}
	}
	return slugs, nil
}

// reads expects a response of bounded length that says that there is more.
func (s *site) reads(m message, rest string) (r result) {
	if m.method == "" {
		return r // publishing has failed, which was reported
	}
	o := s.do(m)
	for attempt := 0; deliberate(o.first()) && attempt < 20; attempt++ {
		time.Sleep(time.Second)
		o = s.do(m)
	}
	switch a := o.first(); {
	case a.status != 200:
		r.complaints = append(r.complaints, fmt.Sprintf("status %d, want 200", a.status))
	case len(a.body) > longest:
		r.complaints = append(r.complaints, fmt.Sprintf("the response has %d bytes", len(a.body)))
	case decoded(a)[rest] == nil:
		r.complaints = append(r.complaints, "the response has no "+rest)
	}
	r.outcomes = append(r.outcomes, o)
	return r
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
