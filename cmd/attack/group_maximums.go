package main

const (
	maxKeys     = 50
	maxSessions = 100
)

// maximums creates more at once than an account may have.
func maximums(s *site) []attack {
	const group = "maximums at once"
	var a account
	return []attack{
		{group, "API keys", func(s *site) (r result) {
			var err error
			if a, err = s.register("maximum"); !r.must(err) {
				return r
			}
			for range 3 { // a service with much to do refuses some
				r.race(s, 40, func(int) message {
					return message{method: "POST", target: "/api/user/keys", token: a.token, body: object("apiKey", map[string]any{"name": "k", "scopes": []string{"read"}})}
				}, 201, 422)
			}
			r.exactly(maxKeys, 201)
			answer, err := s.call(message{method: "GET", target: "/api/user/keys", token: a.token}, 200)
			list, ok := answer["apiKeys"].([]any)
			if r.must(err) && (!ok || len(list) > maxKeys) {
				r.complain("the account has %d API keys, want %d", len(list), maxKeys)
			}
			return r
		}},
		{group, "sessions", func(s *site) (r result) {
			if a.token == "" {
				return r
			}
			body := object("user", map[string]any{"email": a.email, "password": a.password})
			var last string
			r.must(together(maxSessions+12, func(i int) error {
				answer, err := s.call(message{method: "POST", target: "/api/users/login", body: body}, 200)
				if i == maxSessions+11 {
					last, _ = member(answer, "user", "token").(string)
				}
				return err
			}))
			a.token = last
			n, err := s.sessions(a)
			if r.must(err) && (n > maxSessions || n == 0) {
				r.complain("the account has %d sessions, want %d", n, maxSessions)
			}
			return r
		}},
	}
}
