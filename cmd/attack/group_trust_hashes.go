package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// queued is the number of registrations that make others wait for a password
	// hash.
	queued = 32
	// stolenSignIns is the number of sign-ins of a thief.
	stolenSignIns = 6
)

// background sends a message and returns the channel of its outcome. It waits
// for a password hash on purpose, so its time is not checked.
func (s *site) background(m message) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		o := exchange(s.addr, m.raw(s.addr), 4*s.limit)
		o.took = 0
		done <- o
	}()
	return done
}

// queue is a number of registrations that the service has to hash passwords
// for, one at a time on most machines. Requests that are sent later wait behind
// them.
type queue struct {
	mu       sync.Mutex
	outcomes []outcome
	done     sync.WaitGroup
}

// occupy returns when the service hashes passwords, with most of them to come.
// The name is taken, so that no account is created.
func (s *site) occupy() *queue {
	q := &queue{}
	m := message{method: "POST", target: "/api/users", body: registration(s.rival)}
	for range queued {
		registered := s.background(m)
		q.done.Go(func() {
			o := <-registered
			q.mu.Lock()
			defer q.mu.Unlock()
			q.outcomes = append(q.outcomes, o)
		})
	}
	q.proceed(4)
	return q
}

// left returns the number of hashes that are still to come.
func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return queued - len(q.outcomes)
}

// proceed returns when n more hashes were computed. In that time, however slow
// the machine is, requests that were sent before have reached the queue.
func (q *queue) proceed(n int) {
	for until := max(q.left()-n, 0); q.left() > until; {
		time.Sleep(time.Millisecond)
	}
}

// end waits for all of them.
func (q *queue) end() []outcome {
	q.done.Wait()
	return q.outcomes
}

// signInsDuring signs in with the stolen password while the owner recovers the
// account. The service has read the old hash of the password, and verifies it
// after the recovery.
func (s *site) signInsDuring(rec recovery, r *result) error {
	v, err := s.rob()
	if err != nil {
		return err
	}
	stolen := v.account
	recover, err := rec.prepare(s, &v)
	if err != nil {
		return err
	}
	queue := s.occupy()
	var signIns []<-chan outcome
	signIn := func() {
		for i := range stolenSignIns {
			m := message{method: "POST", target: "/api/sessions", body: login(stolen)}
			switch i % 3 {
			case 1:
				m.target = "/api/users/login"
			case 2:
				m.fields = []string{"Idempotency-Key: " + s.name("sign-in")}
			}
			signIns = append(signIns, s.background(m))
		}
		queue.proceed(10)
	}
	// The hash of a new password has to be computed before those of the thief.
	var recovered <-chan outcome
	if rec.quick {
		signIn()
		recovered = s.background(recover)
	} else {
		recovered = s.background(recover)
		queue.proceed(10)
		signIn()
	}
	r.want(<-recovered, rec.name, 200, 204)
	r.outcomes = append(r.outcomes, queue.end()...)
	var tokens []string
	for _, signIn := range signIns {
		o := <-signIn
		r.outcomes = append(r.outcomes, o)
		for _, path := range [][]string{{"tokens", "accessToken"}, {"user", "token"}} {
			if token, ok := member(decoded(o.first()), path...).(string); ok {
				tokens = append(tokens, token)
			}
		}
	}
	if err := s.reinstate(v); err != nil {
		return err
	}
	for _, token := range tokens {
		r.want(s.do(message{method: "GET", target: "/api/user", token: token}), "the session of a sign-in in progress", 401)
	}
	return nil
}

// hashesDuring sends requests that wait for a password hash while the session
// is ended. None of them may write afterwards. On a machine that is busy they
// may come before the recovery, so that the attack has to be repeated.
func (s *site) hashesDuring(rec recovery, r *result) error {
	for range 3 {
		if tested, err := s.tryHashes(rec, r); tested || err != nil {
			return err
		}
	}
	return errors.New("the passwords were hashed before the recovery: the run has tested nothing")
}

func (s *site) tryHashes(rec recovery, r *result) (tested bool, err error) {
	v, err := s.rob()
	if err != nil {
		return false, err
	}
	before, err := s.belongings(v)
	if err != nil {
		return false, err
	}
	recover, err := rec.prepare(s, &v)
	if err != nil {
		return false, err
	}
	queue := s.occupy()
	var thefts []<-chan outcome
	for _, members := range []map[string]any{
		{"password": "the thief's password"},
		{"password": "the thief's password", "currentPassword": v.password},
		{"email": s.name("thief") + "@example.com", "currentPassword": v.password},
	} {
		members["bio"] = "stolen"
		thefts = append(thefts, s.background(message{method: "PUT", target: "/api/user", token: v.session, body: object("user", members)}))
	}
	thefts = append(thefts,
		s.background(message{method: "DELETE", target: "/api/user", token: v.session, body: object("user", map[string]any{"password": v.password})}),
		s.background(message{method: "POST", target: "/api/user/keys", token: v.session,
			body: object("apiKey", map[string]any{"name": "stolen", "scopes": []string{"write"}, "currentPassword": v.password})}))
	queue.proceed(10)
	recovered := s.do(recover)
	tested = queue.left() > 0 && recovered.first().status != 401 // the thief has not been first
	r.want(recovered, rec.name, 200, 204, 401)
	r.outcomes = append(r.outcomes, queue.end()...)
	for _, theft := range thefts {
		if o := <-theft; tested {
			r.want(o, "a request that waited for a hash", 401, 403)
		}
	}
	if !tested {
		return false, nil
	}
	return true, s.untouched(v, before, r)
}

// oldKeys resets the password of an account twice. A key that was made before
// the address was verified ends, since somebody else may have registered it.
func oldKeys(s *site, r *result) error {
	v, err := s.rob()
	if err != nil {
		return err
	}
	reset := func() error {
		m, err := resetPassword(s, &v)
		if err != nil {
			return err
		}
		_, err = s.call(m, 204)
		return err
	}
	use := func(key string) outcome { return s.do(message{method: "GET", target: "/api/user", token: key}) }
	r.want(use(v.key), "a key", 200)
	if err := reset(); err != nil {
		return err
	}
	r.want(use(v.key), "a key from before the address was verified", 401)
	if v.account, err = s.signIn(v.account); err != nil {
		return err
	}
	verified, _, err := s.createKey(v.token, []string{"read"})
	if err != nil {
		return err
	}
	if err := reset(); err != nil {
		return err
	}
	r.want(use(verified), "a key from after the address was verified", 200)
	return nil
}

// withoutPassword tries to make a key with a stolen session, on a service that
// requires the current password.
func withoutPassword(s *site, r *result) error {
	a, err := s.register("owner")
	if err != nil {
		return err
	}
	for what, want := range map[string]int{"": 422, "wrong horse": 422, a.password: 201} {
		key := map[string]any{"name": s.name("key"), "scopes": []string{"write"}}
		user := map[string]any{"password": a.password}
		if what != "" {
			key["currentPassword"], user["currentPassword"] = what, what
		}
		r.want(s.do(message{method: "POST", target: "/api/user/keys", token: a.token, body: object("apiKey", key)}), fmt.Sprintf("a key with the password %q", what), want)
		if want == 422 {
			r.want(s.do(message{method: "PUT", target: "/api/user", token: a.token, body: object("user", user)}), fmt.Sprintf("a change with the password %q", what), want)
		}
	}
	return nil
}
