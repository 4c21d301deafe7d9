package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// quotaUsers are the accounts behind one address, which has the quota of
	// ten. The exports of a series belong to users of its own, since a user has
	// one export at a time.
	quotaUsers = 16
	// deadKeys are more than the quota of one client.
	deadKeys  = 100
	deadReads = 200
	// halfOpen is more than the maximum of connections of an address.
	halfOpen = 130
)

// quotas multiplies addresses, users and connections, and expects that the
// quotas are not multiplied.
func quotas(s *site) []attack {
	const group = "quotas and connections"
	return []attack{
		{group, "many addresses of one client behind a proxy", func(s *site) (r result) {
			return s.elsewhere("behind a proxy", []string{"--trusted-proxies", "127.0.0.0/8", "--admin-addr", "127.0.0.1:0"}, func(s *site) (r result) {
				r.strict(s)
				r.hidesMails(s)
				r.networks(s)
				r.users(s)
				r.dead(s)
				return r
			})
		}},
		{group, "half-open bodies of one address", func(s *site) (r result) {
			address := outside()
			if address == "" {
				s.unrun = append(s.unrun, "half-open bodies of one address: this machine has only loopback addresses")
				return r
			}
			return s.elsewhere("on an address that is not a loopback address", []string{"--addr", net.JoinHostPort(address, "0")}, func(s *site) (r result) {
				r.strict(s)
				r.halfOpen(s)
				return r
			})
		}},
	}
}

var policyPattern = regexp.MustCompile(`;q=(\d+);w=(\d+)$`)

// within sends n requests at a few at a time, and expects that about times the
// quota of one client is accepted.
func (r *result) within(s *site, name string, times, n int, build func(i int) message) {
	var accepted atomic.Int64
	var policy atomic.Value
	begun := time.Now()
	err := together(n, func(i int) error {
		o := s.do(build(i))
		a := o.first()
		if a.status != http.StatusTooManyRequests {
			accepted.Add(1)
		}
		if a.status == 0 || a.status >= 500 {
			return fmt.Errorf("%s: status %d (%v)", name, a.status, o.err)
		}
		policy.Store(a.header.Get("RateLimit-Policy"))
		return nil
	})
	r.must(err)
	text, _ := policy.Load().(string)
	found := policyPattern.FindStringSubmatch(text)
	if found == nil {
		r.complain("%s: RateLimit-Policy %q", name, text)
		return
	}
	quota, _ := strconv.Atoi(found[1])
	window, _ := strconv.Atoi(found[2])
	most := times * quota
	// The quota is restored while the requests are sent.
	most += int(float64(most)*time.Since(begun).Seconds()/float64(window)) + 1
	if got := int(accepted.Load()); got > most || got < times*quota/2 {
		r.complain("%s: %d of %d requests were accepted, want about %d", name, got, n, times*quota)
	}
}

// networks uses many addresses of one client. What is sent is not valid, so that
// no password is hashed; it counts nevertheless.
func (r *result) networks(s *site) {
	from := func(address func(i int) string) func(i int) message {
		return func(i int) message {
			return message{method: "POST", target: "/api/users/login", fields: []string{"X-Forwarded-For: " + address(i)}, body: "{}"}
		}
	}
	spellings := []string{"198.51.100.2", "::ffff:198.51.100.2", "198.51.100.2:80", "[::ffff:198.51.100.2]:80", "::ffff:c633:6402", " 198.51.100.2 "}
	r.within(s, "addresses that the client has invented", 1, 60, from(func(i int) string { return fmt.Sprintf("203.0.113.%d, 198.51.100.1", i) }))
	r.within(s, "spellings of an address", 1, 60, from(func(i int) string { return spellings[i%len(spellings)] }))
	r.within(s, "a /64", 1, 60, from(func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i) }))
	// Each network sends fewer requests than the quota of one client.
	r.within(s, "a /56", 20, 600, from(func(i int) string { return fmt.Sprintf("2001:db8:1:%02x::%x", i/16, i) }))
	r.within(s, "a /48", 40, 1100, from(func(i int) string { return fmt.Sprintf("2001:db8:2:%x00::%x", i/16, i) }))
}

// users uses many accounts from one address.
func (r *result) users(s *site) {
	var all [quotaUsers]account
	if !r.must(together(quotaUsers, func(i int) (err error) {
		all[i], err = s.register("many", fmt.Sprintf("X-Forwarded-For: 203.0.113.%d", i))
		return err
	})) {
		return
	}
	r.within(s, "many users of an address", 10, 20*quotaUsers, func(i int) message {
		return message{method: "GET", target: "/api/user/export", token: all[i%quotaUsers].token, fields: []string{"X-Forwarded-For: 198.51.100.3"}}
	})
}

// dead sends credentials that were revoked. They must not cost a statement for
// each request, and an address may not have any number of them looked up.
func (r *result) dead(s *site) {
	client := "X-Forwarded-For: 203.0.113.100"
	a, err := s.register("dead", client)
	credentials := make([]string, deadKeys)
	if !r.must(errors.Join(err, together(deadKeys, func(i int) (err error) {
		credentials[i], err = s.deadKey(a, client)
		return err
	}))) {
		return
	}
	r.expects(s, message{method: "DELETE", target: "/api/sessions", token: a.token, fields: []string{client}}, status(204))
	credentials[0] = a.token
	statements := func(what string, n, most int, target string, credential func(i int) string) {
		// The service has connections of its own, which look for changes.
		before := metric(s.admin, "db_pool_acquires_total")
		for i := range n {
			r.expects(s, message{method: "GET", target: target, token: credential(i), fields: []string{"X-Forwarded-For: 198.51.100.4"}}, status(401))
		}
		if more := metric(s.admin, "db_pool_acquires_total") - before; more > most {
			r.complain("%d requests with %s used the database %d times", n, what, more)
		}
	}
	statements("more revoked credentials than an address may try", deadKeys, deadKeys/2, "/api/user/export", func(i int) string { return credentials[i] })
	statements("few revoked credentials", deadReads, deadReads/2, "/api/user", func(i int) string { return credentials[i%4] })
}

// deadKey returns an API key that is deleted.
func (s *site) deadKey(a account, fields ...string) (string, error) {
	keys := message{method: "POST", target: "/api/user/keys", token: a.token, fields: fields,
		body: object("apiKey", map[string]any{"name": "dead", "scopes": []string{"read"}})}
	made, err := s.call(keys, 201)
	if err != nil {
		return "", err
	}
	key, _ := made["key"].(string)
	id, _ := member(made, "apiKey", "id").(float64)
	gone := message{method: "DELETE", target: fmt.Sprintf("/api/user/keys/%d", int64(id)), token: a.token, fields: fields}
	if got := s.do(gone).first().status; key == "" || got != 204 {
		return "", fmt.Errorf("DELETE %s: status %d", gone.target, got)
	}
	return key, nil
}

// halfOpen holds as many connections as it can with bodies that do not come.
func (r *result) halfOpen(s *site) {
	const half = "POST /api/batch/articles HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	var open []net.Conn
	end := func() {
		for _, c := range open {
			_ = c.Close()
		}
		open = nil
	}
	defer end()
	for range halfOpen {
		c, err := net.DialTimeout("tcp", s.addr, s.limit)
		if err != nil {
			break
		}
		open = append(open, c)
		_, _ = c.Write([]byte(half))
	}
	// The spare connections of the address are refused first.
	for begun := time.Now(); time.Since(begun) < s.patient(2*time.Second); time.Sleep(20 * time.Millisecond) {
		if s.do(message{method: "GET", target: "/livez"}).first().status == http.StatusOK {
			break
		}
	}
	refused := 0
	for range 5 {
		r.expects(s, message{method: "GET", target: "/livez"}, served)
		r.expects(s, message{method: "GET", target: "/readyz"}, served)
		if o := s.do(message{method: "GET", target: "/api/tags"}); o.first().status != http.StatusOK {
			refused++
		}
	}
	if refused < 5 {
		r.complain("%d connections of one address were accepted, and more", halfOpen)
	}
	end()
	var o outcome
	for begun := time.Now(); time.Since(begun) < s.patient(5*time.Second) && o.first().status != 200; time.Sleep(20 * time.Millisecond) {
		o = s.do(message{method: "GET", target: "/api/tags"})
	}
	if complaint := served(o); complaint != "" {
		r.complain("after the connections were closed: %s", complaint)
	}
}

// outside returns an address of this machine that is not a loopback address, or
// "" if it has none.
func outside() string {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return ""
}
