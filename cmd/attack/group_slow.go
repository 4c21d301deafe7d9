package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// These are the numbers of connections that are held open. The service closes
// each kind for a different reason.
const (
	slowHeaders = 150
	slowBodies  = 100
	slowReaders = 20
	idle        = 200
	// cutWithin is the time within which the service must close a slow
	// connection. By default it allows 5 s for headers, 30 s for bodies, and 40
	// s for responses.
	cutWithin = 50 * time.Second
)

// slowAttacks hold many connections open while all other attacks run.
func slowAttacks(s *site) []attack {
	const group = "slow and idle connections"
	login := "POST /api/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
	kinds := []struct {
		name    string
		count   int
		start   string
		drip    string // sent every second
		within  time.Duration
		mayStay bool // the service may keep it open
	}{
		{"silent from the start", idle / 2, "", "", 10 * time.Second, false},
		{"idle after a response", idle / 2, "GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n", "", 35 * time.Second, true},
		{"headers, a byte a second", slowHeaders / 2, "GET /api/tags HTTP/1.1\r\nHost: x\r\nX-A: ", "a", 10 * time.Second, false},
		{"headers, a line a second", slowHeaders / 2, "GET /api/tags HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", 10 * time.Second, false},
		{"request line, a byte a second", 20, "GE", "T", 10 * time.Second, false},
		{"body, a byte a second", slowBodies / 2, login + `{"user":`, " ", cutWithin, false},
		{"body that never comes", slowBodies / 2, login, "", cutWithin, false},
		{"chunks, a byte a second", 20, strings.Replace(login, "Content-Length: 1000", "Transfer-Encoding: chunked", 1) + "1\r\n{\r\n", "1\r\n \r\n", cutWithin, false},
		{"chunk of 16 EB", 20, strings.Replace(login, "Content-Length: 1000", "Transfer-Encoding: chunked", 1) + "FFFFFFFFFFFFFFFF\r\n{", " ", cutWithin, false},
	}
	var all []attack
	for _, k := range kinds {
		all = append(all, attack{group, fmt.Sprintf("%d of %s", k.count, k.name), func(s *site) (r result) {
			within := s.patient(k.within)
			open := make(chan outcome, k.count)
			for range k.count {
				go func() { open <- hold(s.addr, k.start, k.drip, within) }()
			}
			kept := 0
			for range k.count {
				o := <-open
				if !o.closed {
					kept++
				}
				r.outcomes = append(r.outcomes, o)
			}
			if kept > 0 && !k.mayStay {
				r.complain("%d of %d were not closed within %s", kept, k.count, within)
			}
			return r
		}})
	}
	all = append(all, attack{group, fmt.Sprintf("%d that do not read their responses", slowReaders), deaf},
		attack{group, "other requests are served meanwhile", meanwhile})
	return all
}

func (s *site) patient(d time.Duration) time.Duration { return time.Duration(float64(d) * s.patience) }

// hold opens a connection, sends start, then drip every second, and waits until
// the peer closes it. The connection is slow on purpose, so its time is not
// checked.
func hold(addr, start, drip string, within time.Duration) (o outcome) {
	o.sent = []byte(start)
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		o.err = err
		return o
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, start)
	ended := make(chan []answer, 1)
	_ = conn.SetReadDeadline(time.Now().Add(within))
	go func() {
		var answers []answer
		in := bufio.NewReader(conn)
		for {
			a, err := readAnswer(in, "GET")
			if err != nil {
				closed, _ := whyEnded(err, true)
				o.closed = closed
				ended <- answers
				return
			}
			answers = append(answers, a)
		}
	}()
	for tick := time.NewTicker(time.Second); ; {
		select {
		case o.answers = <-ended:
			tick.Stop()
			return o
		case <-tick.C:
			_, _ = io.WriteString(conn, drip)
		}
	}
}

// deaf sends many requests and reads no response. The service must close the
// connection instead of storing responses for it.
func deaf(s *site) (r result) {
	one := "GET /api/articles?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Token " + s.rival.token + "\r\n\r\nGET /docs/ HTTP/1.1\r\nHost: x\r\n\r\nGET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"
	sent := []byte(strings.Repeat(one, 200))
	within := s.patient(cutWithin)
	var kept int
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range slowReaders {
		wait.Go(func() {
			conn, err := net.DialTimeout("tcp", s.addr, 5*time.Second)
			if err == nil {
				defer conn.Close()
				_ = conn.(*net.TCPConn).SetReadBuffer(4096)
				_ = conn.SetWriteDeadline(time.Now().Add(within))
				for begun := time.Now(); time.Since(begun) < within && err == nil; time.Sleep(time.Second) {
					_, err = conn.Write(sent) // blocks until the service reads again, or fails when it has closed the connection
				}
			}
			mu.Lock()
			defer mu.Unlock()
			r.outcomes = append(r.outcomes, outcome{sent: sent})
			if closed, _ := whyEnded(err, false); err == nil || !closed {
				kept++
			}
		})
	}
	wait.Wait()
	if kept > 0 {
		r.complain("%d of %d were not closed within %s", kept, slowReaders, within)
	}
	return r
}

// meanwhile reads and writes every half second while the other connections are
// held.
func meanwhile(s *site) (r result) {
	for begun := time.Now(); time.Since(begun) < s.patient(30*time.Second); time.Sleep(500 * time.Millisecond) {
		for _, m := range []message{
			{method: "GET", target: "/api/tags"}, {method: "GET", target: "/readyz"}, {method: "GET", target: "/api/user", token: s.victim.token},
			{method: "POST", target: "/api/articles/" + s.slug + "/favorite", token: s.rival.token},
		} {
			o := s.do(m)
			r.outcomes = append(r.outcomes, o)
			if complaint := status(200)(o); complaint != "" {
				r.complaints = append(r.complaints, m.method+" "+m.target+": "+complaint)
			}
		}
	}
	return r
}
