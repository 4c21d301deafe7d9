package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// These hash passwords as fast as the service lets them.
	changers    = 4  // accounts
	perChanger  = 12 // connections of each
	signers     = 40 // sign-ins at once, each from an address of its own
	hashFor     = 3 * time.Second
	bystanders  = 4 // callers meanwhile, each on one connection
	fewestOther = 40
	// mostRefused is the maximum percentage of the others' requests that the
	// service may refuse meanwhile.
	mostRefused = 5
	// A failed sign-in takes the same work for every account. Medians of so many
	// tries, side by side, differ much less than by this factor, and by more if
	// a hash was left out.
	tries      = 7
	mostSlower = 3
	bcryptCost = 11
)

// behindProxy has the service trust X-Forwarded-For of this program, and limit
// no rates.
var behindProxy = []string{"--trusted-proxies", "127.0.0.0/8", "--profile", "development", "--rate-limit", "off"}

// hashes makes the service hash passwords, and measures what that tells.
func hashes(s *site) []attack {
	const group = "password hashes"
	on := func(name string, flags []string, run func(*site, *result) error) func(*site) result {
		return func(s *site) result {
			return s.elsewhere(name, flags, func(s *site) (r result) {
				r.must(run(s, &r))
				return r
			})
		}
	}
	return []attack{
		{group, "each counts for the quota auth", countedAsAuth},
		{group, "others are served meanwhile", on("with many clients that hash", behindProxy, (*site).hashStorm)},
		{group, "failed sign-ins tell nothing", on("with accounts of every kind", behindProxy, (*site).oracle)},
		{group, "strangers lock nobody out", on("with strict limits", []string{"--trusted-proxies", "127.0.0.0/8", "--rate-limit", "strict"}, (*site).lockOut)},
		{group, "no cache may store a secret", uncached},
		{group, "the export has what the service knows", completeExport},
	}
}

// countedAsAuth calls each operation with passwords in all places of its body.
func countedAsAuth(s *site) (r result) {
	a, err := s.register("hashed")
	if err != nil {
		r.complaints = []string{err.Error()}
		return r
	}
	for _, op := range s.ops {
		if op.body == nil {
			continue
		}
		body, found := s.example(op), false
		for _, p := range places(op.body) {
			if n := len(p.path); n > 0 && strings.Contains(strings.ToLower(p.path[n-1]), "password") {
				body, found = put(body, p.path, "wrong horse"), true
			}
		}
		if !found {
			continue
		}
		text, _ := json.Marshal(body)
		o := s.do(message{method: op.method, target: s.fill(op, nil), token: a.token, body: string(text)})
		r.want(o, op.id, 200, 201, 204, 401, 409, 422)
		if policy := o.first().header.Get("RateLimit-Policy"); policy != "" && !strings.Contains(policy, `"auth"`) {
			r.complain("%s hashes a password, and counts for %s", op.id, policy)
		}
	}
	return r
}

// hashStorm changes passwords and signs in on many connections. Others, who
// hash nothing, must hardly notice.
func (s *site) hashStorm(r *result) error {
	var storm []message
	for range changers {
		a, err := s.register("changer")
		if err != nil {
			return err
		}
		for range perChanger {
			storm = append(storm, message{method: "PUT", target: "/api/user", token: a.token, body: object("user", map[string]any{"password": a.password})})
		}
	}
	signer, err := s.register("signer")
	if err != nil {
		return err
	}
	for i := range signers {
		storm = append(storm, message{method: "POST", target: "/api/users/login", fields: []string{from(i)}, body: login(signer)})
	}
	reader, err := s.register("reader")
	if err != nil {
		return err
	}
	slug, _, err := s.write(reader)
	if err != nil {
		return err
	}
	calm := []message{
		{method: "GET", target: "/api/tags"}, {method: "GET", target: "/api/articles?limit=5", token: reader.token},
		{method: "GET", target: "/api/user", token: reader.token}, {method: "POST", target: "/api/articles/" + slug + "/favorite", token: reader.token},
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	begun := time.Now()
	loop := func(next func(i int) message, done func(outcome)) {
		all.Go(func() {
			for i := 0; time.Since(begun) < s.patient(hashFor); i++ {
				o := exchange(s.addr, next(i).raw(s.addr), 2*s.limit)
				mu.Lock()
				done(o)
				mu.Unlock()
			}
		})
	}
	hashed, served, refused := 0, 0, 0
	for _, m := range storm {
		loop(func(int) message { return m }, func(o outcome) {
			if o.first().status == 200 {
				hashed++
			}
		})
	}
	for range bystanders {
		loop(func(i int) message { return calm[i%len(calm)] }, func(o outcome) {
			served++
			if deliberate(o.first()) {
				refused++
			}
			r.want(o, "another caller", 200)
		})
	}
	all.Wait()
	if hashed == 0 || served < fewestOther {
		r.complain("%d hashes and %d other requests within %s: the run has tested too little", hashed, served, hashFor)
	}
	if refused*100 > served*mostRefused {
		r.complain("%d of %d requests of others were refused while %d passwords were hashed", refused, served, hashed)
	}
	return nil
}

// from returns the header of a request from one of many addresses.
func from(i int) string { return fmt.Sprintf("X-Forwarded-For: 203.0.113.%d", i+1) }

// oracle compares failed sign-ins of accounts of all kinds, and of none.
func (s *site) oracle(r *result) error {
	if err := s.createRoot(); err != nil {
		return err
	}
	kinds := map[string]account{"unknown": {email: s.name("nobody") + "@example.com"}}
	for _, kind := range []string{"usual", "suspended", "bcrypt", "PBKDF2"} {
		a, err := s.register(kind)
		if err != nil {
			return err
		}
		kinds[kind] = a
	}
	if _, err := s.call(message{method: "PUT", target: "/api/admin/users/" + kinds["suspended"].name + "/suspension", token: s.root.token,
		body: `{"reason":"attack"}`}, 200); err != nil {
		return err
	}
	hashes, err := oldHashes("correct horse")
	if err != nil {
		return err
	}
	for kind, hash := range hashes {
		if err := s.migrate(kinds[kind], hash); err != nil {
			return fmt.Errorf("give an account a hash of %s: %w", kind, err)
		}
	}
	s.tellApart(kinds, r)
	return nil
}

// tellApart signs in to each account with a wrong password. Neither the
// response nor its time may tell the accounts apart.
func (s *site) tellApart(kinds map[string]account, r *result) {
	took, said := map[string][]time.Duration{}, map[string]string{}
	for range tries {
		for kind, a := range kinds {
			a.password = "wrong horse"
			o := s.do(message{method: "POST", target: "/api/users/login", body: login(a)})
			r.want(o, kind, 401)
			took[kind] = append(took[kind], o.took)
			body := decoded(o.first())
			delete(body, "requestId")
			said[kind] = fmt.Sprint(o.first().status, body)
		}
	}
	for kind := range kinds {
		if said[kind] != said["unknown"] {
			r.complain("the response tells that an account is %s: %s, and unknown: %s", kind, said[kind], said["unknown"])
		}
		if a, b := median(took[kind]), median(took["unknown"]); max(a, b) > mostSlower*min(a, b) {
			r.complain("the time tells that an account is %s: %s, and unknown: %s", kind, a, b)
		}
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// migrate gives an account the hash of another system. No operation can do so:
// an operator writes it to the database.
func (s *site) migrate(a account, hash string) error {
	conn, err := s.connect()
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), `UPDATE users SET password_hash = $1 WHERE username = $2`, hash, a.name)
	return err
}

// oldHashes returns the hashes of a password in older systems.
func oldHashes(password string) (map[string]string, error) {
	const salt, iterations, size = "5a0e1c2b9d", 10_000, 512
	byBcrypt, err := bcrypt.GenerateFromPassword([]byte(password), bcryptCost)
	if err != nil {
		return nil, err
	}
	byPBKDF2, err := pbkdf2.Key(sha512.New, password, []byte(salt), iterations, size)
	return map[string]string{
		"bcrypt": string(byBcrypt), "PBKDF2": fmt.Sprintf("$pbkdf2-sha512$i=%d,l=%d$%s$%x", iterations, size, salt, byPBKDF2),
	}, err
}

// lockOut guesses the password of an account from many addresses. Its owner
// can sign in from the address of the registration all the same.
func (s *site) lockOut(r *result) error {
	const home, away, guesses = 200, 201, 40
	name := s.name("owner")
	a := account{name: name, email: name + "@example.com", password: "correct horse " + name}
	if _, err := s.call(message{method: "POST", target: "/api/users", fields: []string{from(home)}, body: registration(a)}, 201); err != nil {
		return err
	}
	signIn := func(i int, password string) outcome {
		return s.do(message{method: "POST", target: "/api/users/login", fields: []string{from(i)}, body: login(account{email: a.email, password: password})})
	}
	for i := range guesses {
		r.want(signIn(i, "wrong horse"), "a guess", 401)
	}
	stranger := signIn(away, a.password)
	r.want(stranger, "from a strange address", 429)
	if stranger.first().status != 429 {
		r.complain("%d guesses lock nobody out", guesses)
	}
	owner := signIn(home, a.password)
	r.outcomes = append(r.outcomes, owner)
	if status := owner.first().status; status != 200 {
		r.complain("the owner's sign-in from the address of the registration: status %d", status)
	}
	return nil
}
