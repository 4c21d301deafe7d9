package api_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// narrow sets limits that a test can reach, and trusts X-Forwarded-For.
func narrow(limits signin.Limits) []servertest.Option {
	limits.Span = time.Hour
	return []servertest.Option{
		servertest.WithRules(func(r *signin.Rules) { r.SignIns = limits }),
		servertest.WithServer(func(c *server.Config) {
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		}),
	}
}

func signInFrom(s *servertest.Service, path, from, email, password string) (*http.Response, string) {
	return s.Do(http.MethodPost, path, fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, email, password), "X-Forwarded-For", from)
}

const (
	home      = "203.0.113.7"
	elsewhere = "198.51.100.9"
)

func TestSignInLimits(t *testing.T) {
	t.Parallel()
	limits := signin.Limits{AccountFromAddress: 3, Address: 8, Account: 5}
	fails := func(t *testing.T, s *servertest.Service, from, email string, want int) {
		t.Helper()
		res, body := signInFrom(s, "/users/login", from, email, "wrong")
		require.Equal(t, want, res.StatusCode, body)
	}
	works := func(t *testing.T, s *servertest.Service, from, email string, want int) {
		t.Helper()
		res, body := signInFrom(s, "/sessions", from, email, servertest.Password)
		require.Equal(t, want, res.StatusCode, body)
	}

	t.Run("Guessing", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, narrow(limits)...)
		s.Register("anna")
		for _, email := range []string{"anna@example.com", "nobody@example.com"} {
			for range 3 {
				fails(t, s, home, email, http.StatusUnauthorized)
			}
			for _, path := range []string{"/users/login", "/sessions"} {
				res, body := signInFrom(s, path, home, email, servertest.Password)
				requireProblem(t, http.StatusTooManyRequests, problem.RateLimited, oneField("credentials", "too many failed sign-in attempts"), res.StatusCode, body)
				seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
				require.NoError(t, err)
				require.InDelta(t, 3600, seconds, 300)
			}
			res, _ := signInFrom(s, "/users/login", home, "ANNA@example.com", "wrong")
			require.Equal(t, http.StatusTooManyRequests, res.StatusCode, "the letter case is no other account")
		}
		works(t, s, elsewhere, "anna@example.com", http.StatusCreated)
		change(t, s, `UPDATE sign_in_tries SET expires_at = now() - interval '1 second'`)
		works(t, s, home, "anna@example.com", http.StatusCreated)
	})

	t.Run("OneAddressManyAccounts", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, narrow(limits)...)
		s.Register("anna")
		for i := range 8 {
			fails(t, s, fmt.Sprintf("2001:db8:1:2::%d", i), fmt.Sprintf("user%d@example.com", i), http.StatusUnauthorized)
		}
		fails(t, s, "2001:db8:1:2:ffff::1", "user9@example.com", http.StatusTooManyRequests)
		works(t, s, "2001:db8:1:2::abcd", "anna@example.com", http.StatusTooManyRequests)
		works(t, s, "2001:db8:1:3::1", "anna@example.com", http.StatusCreated)
	})

	// Attackers with many addresses do not get more guesses. They do not lock
	// the owner out where the owner has signed in before, or can read mail.
	t.Run("ManyAddressesOneAccount", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, narrow(limits)...)
		s.Register("anna")
		works(t, s, home, "anna@example.com", http.StatusCreated)
		for i := range 5 {
			fails(t, s, fmt.Sprintf("192.0.2.%d", i), "anna@example.com", http.StatusUnauthorized)
		}
		for i := range 5 {
			fails(t, s, fmt.Sprintf("192.0.2.1%d", i), "anna@example.com", http.StatusTooManyRequests)
		}
		works(t, s, elsewhere, "anna@example.com", http.StatusTooManyRequests)
		works(t, s, home, "anna@example.com", http.StatusCreated)

		token := auth.NewLinkToken()
		change(t, s, `INSERT INTO mail_tokens SELECT $1, 'reset_password', id, email, now() + interval '1 hour' FROM users`, token.Hash)
		res, body := s.Do(http.MethodPost, "/users/password-reset/confirm", fmt.Sprintf(`{"token":%q,"password":%q}`, token.Text, servertest.Password), "X-Forwarded-For", elsewhere)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
		for i := range 5 {
			fails(t, s, fmt.Sprintf("192.0.2.2%d", i), "anna@example.com", http.StatusUnauthorized)
		}
		works(t, s, elsewhere, "anna@example.com", http.StatusCreated)
		change(t, s, `UPDATE sign_in_places SET used_at = now() - interval '31 days'`)
		works(t, s, home, "anna@example.com", http.StatusTooManyRequests)
		n, err := signin.Expire(t.Context(), s.DB)
		require.NoError(t, err)
		require.EqualValues(t, 3, n, "with that of the registration")
	})

	t.Run("Registration", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, narrow(limits)...)
		res, body := s.Do(http.MethodPost, "/users", newUser("anna", "anna@example.com", servertest.Password), "X-Forwarded-For", home)
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		for i := range 5 {
			fails(t, s, fmt.Sprintf("192.0.2.%d", i), "anna@example.com", http.StatusUnauthorized)
		}
		works(t, s, elsewhere, "anna@example.com", http.StatusTooManyRequests)
		works(t, s, home, "anna@example.com", http.StatusCreated)
	})

	t.Run("SuccessesDoNotCount", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, narrow(signin.Limits{AccountFromAddress: 3, Address: 9, Account: 3})...)
		s.Register("anna")
		for range 4 {
			for range 2 {
				fails(t, s, home, "anna@example.com", http.StatusUnauthorized)
			}
			for range 10 {
				works(t, s, home, "anna@example.com", http.StatusCreated)
			}
		}
	})

	t.Run("AtOnce", func(t *testing.T) {
		t.Parallel()
		url := dbtest.URL(t)
		var replicas []*servertest.Service
		for range 2 {
			replicas = append(replicas, servertest.New(t, append(narrow(limits), servertest.WithDatabase(url))...))
		}
		replicas[0].Register("anna")
		for _, email := range []string{"anna@example.com", "nobody@example.com"} {
			got := atOnce(t, 50, func(i int) (int, error) {
				res, _ := signInFrom(replicas[i%2], "/users/login", home, email, "wrong")
				return res.StatusCode, nil
			})
			require.Equal(t, map[int]int{http.StatusUnauthorized: 3, http.StatusTooManyRequests: 47}, got)
		}
		got := atOnce(t, 50, func(i int) (int, error) {
			res, _ := signInFrom(replicas[i%2], "/users/login", fmt.Sprintf("192.0.2.%d", i), "bob@example.com", "wrong")
			return res.StatusCode, nil
		})
		require.Equal(t, map[int]int{http.StatusUnauthorized: 5, http.StatusTooManyRequests: 45}, got)
	})

	t.Run("ForgedAddress", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, servertest.WithRules(func(r *signin.Rules) { r.SignIns = limits; r.SignIns.Span = time.Hour }))
		for i := range 3 {
			fails(t, s, fmt.Sprintf("192.0.2.%d", i), "anna@example.com", http.StatusUnauthorized)
		}
		fails(t, s, "192.0.2.9", "anna@example.com", http.StatusTooManyRequests)
	})
}

// TestLegacyWork checks that a sign-in finds out which work of older systems it
// has to do so that accounts with such hashes cannot be told apart.
func TestLegacyWork(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	try := func() query.SignInTryRow {
		t.Helper()
		row, err := query.New().SignInTry(t.Context(), s.DB, query.SignInTryParams{
			Email: "nobody@example.com", Place: []byte("p"), PairKey: []byte("k"), AccountKey: []byte("a"), Span: time.Hour,
			PairMost: 1000, AddressMost: 1000, AccountMost: 1000,
		})
		require.NoError(t, err)
		return row
	}
	require.Zero(t, try().BcryptCost)
	require.Zero(t, try().Pbkdf2Iterations)
	for _, hash := range []string{"$2b$10$abc", "$2a$12$abc", "$2y$04$abc", "$2b$03$abc", "$2b$17$abc", "$2b$99$abc", "$2b$zz$abc", "$2x$13$abc", "$argon2id$v=19$m=8"} {
		u := s.Register("")
		change(t, s, `UPDATE users SET password_hash = $1 WHERE username = $2`, hash, u.Username)
	}
	require.EqualValues(t, 12, try().BcryptCost)
	change(t, s, `DELETE FROM users WHERE password_hash LIKE '$2a%'`)
	require.EqualValues(t, 10, try().BcryptCost)
	require.Zero(t, try().Pbkdf2Iterations)

	for _, start := range []string{"i=9999,l=512$", "i=10000,l=512$", "i=1000001,l=512$", "i=9999999,l=512$", "i=99999999,l=512$", "i=,l=512$", "l=512,i=20000$", ""} {
		u := s.Register("")
		change(t, s, `UPDATE users SET password_hash = $1 WHERE username = $2`, "$pbkdf2-sha512$"+start+"salt$ab", u.Username)
	}
	u := s.Register("")
	change(t, s, `UPDATE users SET password_hash = $1 WHERE username = $2`, "$pbkdf2-sha256$i=30000,l=32$salt$ab", u.Username)
	require.EqualValues(t, 10000, try().Pbkdf2Iterations, "numbers are not compared as texts")
	change(t, s, `DELETE FROM users WHERE password_hash LIKE '%i=10000,%'`)
	require.EqualValues(t, 9999, try().Pbkdf2Iterations)
	require.EqualValues(t, 10, try().BcryptCost)
}

// TestPBKDF2 signs in with a hash of an Express backend, as the migration guide
// builds it of two columns, and checks that it is replaced.
func TestPBKDF2(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	u := s.Register("anna")
	const salt, iterations, size = "5a0e1c2b9d", 10_000, 512
	hash, err := pbkdf2.Key(sha512.New, servertest.Password, []byte(salt), iterations, size)
	require.NoError(t, err)
	change(t, s, `UPDATE users SET password_hash = concat('$pbkdf2-sha512$i=10000,l=512$', $1::text, '$', $2::text) WHERE username = 'anna'`, salt, hex.EncodeToString(hash))
	require.Equal(t, http.StatusUnauthorized, login(t, s, string(u.Email), "wrong horse").StatusCode())
	require.Equal(t, http.StatusOK, login(t, s, string(u.Email), servertest.Password).StatusCode())
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$%'`))
	require.Equal(t, http.StatusOK, login(t, s, string(u.Email), servertest.Password).StatusCode())
	require.Equal(t, http.StatusUnauthorized, login(t, s, string(u.Email), "wrong horse").StatusCode())
}

// TestSignInKeepsNoAddresses checks that the counters contain neither network
// addresses nor e-mail addresses.
func TestSignInKeepsNoAddresses(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, narrow(signin.WideLimits())...)
	s.Register("anna")
	_, _ = signInFrom(s, "/users/login", home, "anna@example.com", servertest.Password)
	_, _ = signInFrom(s, "/users/login", home, "anna@example.com", "wrong")
	require.Equal(t, 3, count(t, s, `SELECT count(*) FROM sign_in_tries WHERE length(key) = 32`))
	require.Equal(t, 2, count(t, s, `SELECT count(*) FROM sign_in_places WHERE length(place) = 32`), "of the registration and of the sign-in")
	require.Zero(t, count(t, s, `SELECT count(*) FROM sign_in_tries WHERE position('anna'::bytea IN key) > 0`))
}

func TestCurrentPassword(t *testing.T) {
	t.Parallel()
	put := func(s *servertest.Service, token, members string) (int, string) {
		res, body := s.Do(http.MethodPut, "/user", `{"user":{`+members+`}}`, "Authorization", "Token "+token)
		return res.StatusCode, body
	}
	const right, wrong = `"currentPassword":"` + servertest.Password + `"`, `"currentPassword":"wrong"`
	limits := signin.Limits{AccountFromAddress: 3, Address: 1000, Account: 1000, Span: time.Hour}

	t.Run("Optional", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, servertest.WithRules(func(r *signin.Rules) { r.SignIns = limits }))
		anna := s.Register("anna")
		for _, members := range []string{`"bio":"x",` + wrong, `"email":"anna@two.example.com"`, `"email":"anna@three.example.com",` + right} {
			status, body := put(s, anna.Token, members)
			require.Equal(t, http.StatusOK, status, body)
			requireUser(t, body)
		}
		for range 3 {
			status, body := put(s, anna.Token, `"password":"a new password",`+wrong)
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("currentPassword", "is incorrect"), status, body)
		}
		status, body := put(s, anna.Token, `"password":"a new password",`+right)
		requireProblem(t, http.StatusTooManyRequests, problem.RateLimited, oneField("credentials", "too many failed sign-in attempts"), status, body)
	})

	t.Run("Required", func(t *testing.T) {
		t.Parallel()
		s := servertest.New(t, servertest.WithRules(func(r *signin.Rules) { r.CurrentPassword = true }))
		anna := s.Register("anna")
		for _, members := range []string{`"password":"a new password"`, `"email":"anna@two.example.com"`} {
			status, body := put(s, anna.Token, members)
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("currentPassword", blank), status, body)
		}
		for _, members := range []string{`"bio":"x","email":"anna@example.com"`, `"email":"anna@two.example.com",` + right, `"password":"a new password",` + right} {
			status, body := put(s, anna.Token, members)
			require.Equal(t, http.StatusOK, status, body)
		}
		require.Equal(t, http.StatusOK, login(t, s, "anna@two.example.com", "a new password").StatusCode())
	})

	t.Run("NewKey", func(t *testing.T) {
		t.Parallel()
		for _, required := range []bool{false, true} {
			s := servertest.New(t, servertest.WithRules(func(r *signin.Rules) { r.CurrentPassword, r.SignIns = required, limits }))
			anna := s.Register("anna")
			create := func(members string) (int, string) {
				res, body := s.Do(http.MethodPost, "/user/keys", `{"apiKey":{"name":"a","scopes":["read"]`+members+`}}`, "Authorization", "Token "+anna.Token)
				return res.StatusCode, body
			}
			status, body := create("")
			if required {
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("currentPassword", blank), status, body)
			} else {
				require.Equal(t, http.StatusCreated, status, body)
			}
			status, body = create("," + right)
			require.Equal(t, http.StatusCreated, status, body)
			for range 3 {
				status, body = create("," + wrong)
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("currentPassword", "is incorrect"), status, body)
			}
			status, body = create("," + right)
			requireProblem(t, http.StatusTooManyRequests, problem.RateLimited, oneField("credentials", "too many failed sign-in attempts"), status, body)
		}
	})
}
