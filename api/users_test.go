package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

const (
	blank    = "can't be blank"
	notMail  = "is not a valid e-mail address"
	shortPwd = "is too short (minimum is 8 characters)"
)

// requireProblem checks the status, the code and the fields of a problem.
func requireProblem(t *testing.T, status int, code problem.Code, fields problem.Fields, gotStatus int, gotBody string) {
	t.Helper()
	require.Equal(t, status, gotStatus, gotBody)
	var p client.Problem
	require.NoError(t, json.Unmarshal([]byte(gotBody), &p), gotBody)
	require.Equal(t, client.ProblemCode(code), p.Code, gotBody)
	require.Equal(t, client.FieldErrors(fields), p.Errors, gotBody)
}

// oneField returns the errors of one field with one message.
func oneField(field, message string) problem.Fields { return problem.Fields{field: {message}} }

// atOnce runs n calls that start together and returns how often each status
// came back.
func atOnce(t *testing.T, n int, call func(i int) (status int, err error)) map[int]int {
	t.Helper()
	got := map[int]int{}
	for _, status := range together(n, func(i int) int {
		status, err := call(i)
		assert.NoError(t, err)
		return status
	}) {
		got[status]++
	}
	return got
}

// count returns the result of a query for one number.
func count(t *testing.T, s *servertest.Service, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, s.DB.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// change runs a statement that the service itself never runs.
func change(t *testing.T, s *servertest.Service, sql string, args ...any) {
	t.Helper()
	_, err := s.DB.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// insertMany inserts n rows by a statement that inserts those with the numbers
// $1 to $2. It runs the statement once for each 500 of them: each article updates
// its author, and PostgreSQL reads all versions of the author that the statement
// made, so that 10,000 at once took longer on a busy machine than a statement may.
func insertMany(t *testing.T, s *servertest.Service, n int, sql string) {
	t.Helper()
	for first := 1; first <= n; first += 500 {
		change(t, s, sql, first, min(first+499, n))
	}
}

// tokenAt returns a token as the service would have issued it at another time.
func tokenAt(t *testing.T, s *servertest.Service, at time.Time, userID int64) string {
	t.Helper()
	keys, err := credentials.SigningKeys(t.Context(), s.DB)
	require.NoError(t, err)
	tokens, err := auth.NewTokens(keys, auth.Lifetimes{Token: time.Hour}, func() time.Time { return at })
	require.NoError(t, err)
	var session int64
	err = s.DB.QueryRow(t.Context(), `SELECT COALESCE(min(id), 1000000) FROM sessions WHERE user_id = $1`, userID).Scan(&session)
	require.NoError(t, err)
	token, _, err := tokens.Issue(userID, session)
	require.NoError(t, err)
	return token
}

// newUser is a body of POST /users. The generated type cannot hold an e-mail
// address that is not valid.
func newUser(username, email, password string) string {
	body, err := json.Marshal(map[string]any{"user": map[string]string{"username": username, "email": email, "password": password}})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// newImage is a body of PUT /user.
func newImage(image string) string {
	body, err := json.Marshal(map[string]any{"user": map[string]string{"image": image}})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func login(t *testing.T, s *servertest.Service, email, password string) *client.LoginResponse {
	t.Helper()
	res, err := s.Anonymous.LoginWithResponse(t.Context(), client.LoginJSONRequestBody{User: client.LoginUser{Email: email, Password: password}})
	require.NoError(t, err)
	return res
}

// requireUser reads a user object and checks that it has the members of the
// contract and no other: in particular, no password.
func requireUser(t *testing.T, body string) map[string]any {
	t.Helper()
	var got map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &got), body)
	require.Len(t, got, 1, body)
	user := got["user"]
	var names []string
	for name := range user {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{"bio", "email", "image", "token", "username"}, names, body)
	require.NotEmpty(t, user["token"])
	require.NotContains(t, body, servertest.Password)
	require.NotContains(t, body, "$argon2id$")
	return user
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	s.Register("Taken")
	res, body := s.Do(http.MethodPost, "/users", newUser("ÉLODIE-Ж", "elodie@example.com", servertest.Password))
	require.Equal(t, http.StatusCreated, res.StatusCode, body)

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do(http.MethodPost, "/users", newUser("Jake", "Jake@Example.com", servertest.Password))
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		require.Equal(t, "application/json", res.Header.Get("Content-Type"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"), "the response has a token")
		require.Empty(t, res.Header.Values("Idempotency-Replayed"))
		user := requireUser(t, body)
		require.Equal(t, "Jake", user["username"])
		require.Equal(t, "Jake@Example.com", user["email"])
		require.Nil(t, user["bio"])
		require.Nil(t, user["image"])

		res, body = s.Do(http.MethodGet, "/user", "", "Authorization", "Token "+user["token"].(string))
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Equal(t, user, requireUser(t, body))

		var hash string
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT password_hash FROM users WHERE username = 'Jake'`).Scan(&hash))
		require.True(t, strings.HasPrefix(hash, "$argon2id$"), hash)
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		all := func(message string) problem.Fields {
			return problem.Fields{"username": {message}, "email": {message}, "password": {message}}
		}
		long := func(n int) string { return fmt.Sprintf("is too long (maximum is %d characters)", n) }
		name := func(username string) string { return newUser(username, "refused@example.com", servertest.Password) }
		mail := func(email string) string { return newUser("refused", email, servertest.Password) }
		for label, test := range map[string]struct {
			body   string
			fields problem.Fields
		}{
			"Blank":              {newUser("", "", ""), all(blank)},
			"WhiteSpace":         {newUser(" \t", "  ", "        "), all(blank)},
			"UnicodeWhiteSpace":  {name("\u3000\u00a0"), oneField("username", blank)},
			"Missing":            {`{"user":{}}`, all(blank)},
			"Null":               {`{"user":{"username":null,"email":null,"password":null}}`, all(blank)},
			"WrongType":          {`{"user":{"username":1,"email":{},"password":[]}}`, all("must be a string")},
			"MissingWrapper":     {`{"username":"a","email":"a@example.com","password":"12345678"}`, oneField("user", blank)},
			"NullWrapper":        {`{"user":null}`, oneField("user", blank)},
			"WrapperOfWrongType": {`{"user":"jake"}`, oneField("user", "must be an object")},
			"OtherCaseOfMembers": {`{"user":{"Username":"refused","EMAIL":"refused@example.com","passWord":"12345678"}}`, all(blank)},
			"ShortPassword":      {newUser("refused", "refused@example.com", "1234567"), oneField("password", shortPwd)},
			"ShortInCharacters":  {newUser("refused", "refused@example.com", "ééééééé"), oneField("password", shortPwd)},
			"LongPassword":       {newUser("refused", "refused@example.com", strings.Repeat("x", 257)), oneField("password", long(256))},
			"LongUsername":       {name(strings.Repeat("x", 65)), oneField("username", long(64))},
			"LongEmail":          {mail(strings.Repeat("x", 60) + "@" + strings.Repeat("abcdefgh.", 22) + "com"), oneField("email", long(254))},
			"LongLocalPart":      {mail(strings.Repeat("x", 65) + "@example.com"), oneField("email", notMail)},
			"NoAt":               {mail("jake.example.com"), oneField("email", notMail)},
			"TwoAts":             {mail("jake@jake@example.com"), oneField("email", notMail)},
			"SpaceInEmail":       {mail("jake @example.com"), oneField("email", notMail)},
			"SpaceAroundEmail":   {mail(" jake@example.com "), oneField("email", notMail)},
			"NoDomain":           {mail("jake@"), oneField("email", notMail)},
			"LineBreakInEmail":   {mail("jake@example.com\nBcc: x@example.com"), oneField("email", notMail)},
			"NameInBrackets":     {mail("Jake <jake@example.com>"), oneField("email", notMail)},
			"Slash":              {name("a/b"), oneField("username", "must not contain slashes or control characters, nor be made of dots")},
			"ControlCharacter":   {name("a\x1bb"), oneField("username", "must not contain slashes or control characters, nor be made of dots")},
			"LineBreak":          {name("anna\n"), oneField("username", "must not contain slashes or control characters, nor be made of dots")},
			"NUL":                {name("a\x00b"), oneField("username", "must not contain NUL")},
			"AllAtOnce":          {newUser("a/b", "nobody", "short"), problem.Fields{"username": {"must not contain slashes or control characters, nor be made of dots"}, "email": {notMail}, "password": {shortPwd}}},
			"TakenAndInvalid":    {newUser("taken", "taken@example.com", "short"), oneField("password", shortPwd)},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodPost, "/users", test.body)
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, test.fields, res.StatusCode, body)
			})
		}
		for label, body := range map[string]string{
			"NotJSON":   `username=jake`,
			"Empty":     ``,
			"Duplicate": `{"user":{"username":"refused","username":"other","email":"refused@example.com","password":"12345678"}}`,
			"Trailing":  name("refused") + "{}",
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodPost, "/users", body, "Content-Type", "application/json")
				require.Equal(t, http.StatusBadRequest, res.StatusCode, body)
				require.Contains(t, body, `"errors":{"body":[`)
			})
		}
	})

	t.Run("Accepted", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for label, test := range map[string]struct{ username, email, password string }{
			"ShortestPassword":    {"p8", "p8@example.com", "12345678"},
			"LongestPassword":     {"p256", "p256@example.com", strings.Repeat("x", 256)},
			"LongestInCharacters": {"p256b", "p256b@example.com", strings.Repeat("😀", 256)},
			"PasswordOfSpaces":    {"spaces", "spaces@example.com", "  a        "},
			"PasswordWithQuotes":  {"quotes", "quotes@example.com", `"';--\ü\u0000`[:12]},
			"OneLetter":           {"x", "x@x", "12345678"},
			"LongestName":         {strings.Repeat("語", 64), "long@example.com", "12345678"},
			"Emoji":               {"👩‍💻", "emoji@example.com", "12345678"},
			"Words":               {"Anna Maria d'Arc", "words@example.com", "12345678"},
			"Symbols":             {`a,b;c+d%e&f=g?h#i"j\k<l>`, "symbols@example.com", "12345678"},
			"Arabic":              {"آنا", "arabic@example.com", "12345678"},
			"LongestEmail":        {"long mail", strings.Repeat("x", 64) + "@" + strings.Repeat("abcdefgh.", 20) + "abcde.com", "12345678"},
			"PlusAddress":         {"plus", "jake+tag@example.com", "12345678"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodPost, "/users", newUser(test.username, test.email, test.password))
				require.Equal(t, http.StatusCreated, res.StatusCode, body)
				in := login(t, s, test.email, test.password)
				require.Equal(t, http.StatusOK, in.StatusCode(), string(in.Body))
				require.Equal(t, test.username, in.JSON200.User.Username)
				require.Equal(t, test.email, in.JSON200.User.Email)
			})
		}
	})

	t.Run("UnknownMembers", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do(http.MethodPost, "/users", `{"extra":[{}],"user":{"username":"unknown","email":"unknown@example.com","password":"12345678",`+
			`"USERNAME":"smuggled","Email":"smuggled@example.com","bio":"x","image":"y","id":1,"token":"z"}}`)
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		user := requireUser(t, body)
		require.Equal(t, "unknown", user["username"])
		require.Equal(t, "unknown@example.com", user["email"])
		require.Nil(t, user["bio"])
		require.Nil(t, user["image"])
	})

	t.Run("EveryByteOfThePassword", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for label, passwords := range map[string][2]string{
			"Byte73":    {strings.Repeat("x", 72) + "a", strings.Repeat("x", 72) + "b"},
			"Byte256":   {strings.Repeat("x", 255) + "a", strings.Repeat("x", 255) + "b"},
			"Length":    {strings.Repeat("x", 73), strings.Repeat("x", 72)},
			"MultiByte": {strings.Repeat("é", 100) + "é", strings.Repeat("é", 100) + "è"},
			"Case":      {"correct horse", "Correct horse"},
			"Space":     {"correct horse", "correct horse "},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				email := strings.ToLower(label) + "@every.example.com"
				res, body := s.Do(http.MethodPost, "/users", newUser("every "+label, email, passwords[0]))
				require.Equal(t, http.StatusCreated, res.StatusCode, body)
				require.Equal(t, http.StatusUnauthorized, login(t, s, email, passwords[1]).StatusCode())
				require.Equal(t, http.StatusOK, login(t, s, email, passwords[0]).StatusCode())
			})
		}
	})

	t.Run("Taken", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for label, test := range map[string]struct{ username, email, field string }{
			"Username":             {"Taken", "new@example.com", "username"},
			"UsernameInOtherCase":  {"tAKEN", "new@example.com", "username"},
			"UnicodeInOtherCase":   {"élodie-ж", "new@example.com", "username"},
			"Email":                {"new", "taken@example.com", "email"},
			"EmailInOtherCase":     {"new", "TAKEN@Example.COM", "email"},
			"BothOfTheSameAccount": {"Taken", "taken@example.com", "username"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodPost, "/users", newUser(test.username, test.email, servertest.Password))
				requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField(test.field, "has already been taken"), res.StatusCode, body)
			})
		}
	})

	t.Run("BadTokenDoesNotMatter", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		res, body := s.Do(http.MethodPost, "/users", newUser("fresh", "fresh@example.com", servertest.Password), "Authorization", "Token stale")
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		require.Empty(t, res.Header.Values("WWW-Authenticate"))
	})
}

func TestCreateUserRace(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const n = 50
	for label, user := range map[string]func(i int) client.NewUser{
		"Username": func(i int) client.NewUser {
			return client.NewUser{Username: "Racer", Email: client.Email(fmt.Sprintf("racer%d@example.com", i))}
		},
		"Email": func(i int) client.NewUser {
			return client.NewUser{Username: fmt.Sprintf("runner%d", i), Email: "runner@example.com"}
		},
		"Both": func(i int) client.NewUser {
			return client.NewUser{Username: "walker", Email: "walker@example.com"}
		},
		"OtherCase": func(i int) client.NewUser {
			name := []string{"Jogger", "jogger", "JOGGER", "jOGGER"}[i%4]
			return client.NewUser{Username: name, Email: client.Email(fmt.Sprintf("jogger%d@example.com", i))}
		},
	} {
		t.Run(label, func(t *testing.T) {
			s := s.For(t)
			before := count(t, s, `SELECT count(*) FROM users`)
			got := atOnce(t, n, func(i int) (int, error) {
				u := user(i)
				u.Password = servertest.Password
				res, err := s.Anonymous.CreateUserWithResponse(t.Context(), nil, client.CreateUserJSONRequestBody{User: u})
				if err != nil {
					return 0, err
				}
				return res.StatusCode(), nil
			})
			require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: n - 1}, got)
			require.Equal(t, before+1, count(t, s, `SELECT count(*) FROM users`))
		})
	}
}

func TestCreateUserIdempotency(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	call := func(key, body string) (*http.Response, string) {
		return s.Do(http.MethodPost, "/users", body, "Idempotency-Key", key)
	}
	rows := func(t *testing.T, name string) int {
		return count(t, s, `SELECT count(*) FROM users WHERE username LIKE $1`, name+"%")
	}

	t.Run("Replay", func(t *testing.T) {
		t.Parallel()
		body := newUser("replay", "replay@example.com", servertest.Password)
		first, want := call("key-replay", body)
		require.Equal(t, http.StatusCreated, first.StatusCode, want)
		require.Empty(t, first.Header.Values("Idempotency-Replayed"))
		for range 3 {
			again, got := call("key-replay", body)
			require.Equal(t, http.StatusCreated, again.StatusCode, got)
			require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
			require.Equal(t, want, got)
		}
		require.Equal(t, 1, rows(t, "replay"))
		token := requireUser(t, want)["token"].(string)
		me, err := s.As(token).GetCurrentUserWithResponse(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, me.StatusCode())
		// A request with other white space, or another order of members, is the
		// same request.
		again, got := call("key-replay", fmt.Sprintf(` { "user" : {"password":%q, "email":"replay@example.com","username":"replay"}} `, servertest.Password))
		require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"), got)
		require.Equal(t, want, got)
	})

	t.Run("OtherBody", func(t *testing.T) {
		t.Parallel()
		first, body := call("key-other", newUser("other1", "other1@example.com", servertest.Password))
		require.Equal(t, http.StatusCreated, first.StatusCode, body)
		for _, other := range []string{
			newUser("other2", "other2@example.com", servertest.Password),
			newUser("other1", "other1@example.com", servertest.Password+"!"),
		} {
			res, body := call("key-other", other)
			requireProblem(t, http.StatusUnprocessableEntity, problem.IdempotencyKeyReused,
				oneField("Idempotency-Key", "has already been used with a different request"), res.StatusCode, body)
			require.Empty(t, res.Header.Values("Idempotency-Replayed"))
		}
		require.Equal(t, 1, rows(t, "other"))
	})

	t.Run("OtherKey", func(t *testing.T) {
		t.Parallel()
		body := newUser("two keys", "twokeys@example.com", servertest.Password)
		first, text := call("key-a", body)
		require.Equal(t, http.StatusCreated, first.StatusCode, text)
		second, text := call("key-A", body)
		requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField("username", "has already been taken"), second.StatusCode, text)
	})

	// A rejected request creates nothing and does not use up its key, so that a
	// client can correct the body and keep the key.
	t.Run("RepeatAfterRefusal", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Register("occupied")
		res, body := call("key-refused", newUser("occupied", "corrected@example.com", servertest.Password))
		require.Equal(t, http.StatusConflict, res.StatusCode, body)
		res, body = call("key-refused", newUser("corrected", "corrected@example.com", "short"))
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, body)
		res, body = call("key-refused", newUser("corrected", "corrected@example.com", servertest.Password))
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		require.Empty(t, res.Header.Values("Idempotency-Replayed"))
		res, _ = call("key-refused", newUser("corrected", "corrected@example.com", servertest.Password))
		require.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
	})

	t.Run("Simultaneous", func(t *testing.T) {
		t.Parallel()
		const n = 20
		body := newUser("twin", "twin@example.com", servertest.Password)
		var mu sync.Mutex
		texts, replayed := map[string]int{}, 0
		got := atOnce(t, n, func(int) (int, error) {
			res, text := call("key-twin", body)
			mu.Lock()
			defer mu.Unlock()
			texts[text]++
			if res.Header.Get("Idempotency-Replayed") == "true" {
				replayed++
			}
			return res.StatusCode, nil
		})
		require.Equal(t, map[int]int{http.StatusCreated: n}, got)
		require.Len(t, texts, 1, "all get the same token")
		require.Equal(t, n-1, replayed)
		require.Equal(t, 1, rows(t, "twin"))
	})

	t.Run("SimultaneousOtherBodies", func(t *testing.T) {
		t.Parallel()
		const n = 20
		got := atOnce(t, n, func(i int) (int, error) {
			res, _ := call("key-rival", newUser(fmt.Sprintf("rival%d", i), fmt.Sprintf("rival%d@example.com", i), servertest.Password))
			return res.StatusCode, nil
		})
		require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusUnprocessableEntity: n - 1}, got)
		require.Equal(t, 1, rows(t, "rival"))
	})

	t.Run("SameKeyOfAnotherOperation", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		author := s.Register("author")
		res, body := s.Do(http.MethodPost, "/articles", `{"article":{"title":"T","description":"D","body":"B"}}`,
			"Authorization", "Token "+author.Token, "Idempotency-Key", "key-shared")
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		res, body = call("key-shared", newUser("shared", "shared@example.com", servertest.Password))
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		require.Empty(t, res.Header.Values("Idempotency-Replayed"))
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		for label, test := range map[string]struct{ key, message string }{
			"Empty":    {"", blank},
			"TooLong":  {strings.Repeat("k", 256), "is too long (maximum is 255 characters)"},
			"NotASCII": {"clé", "must be printable ASCII"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				res, body := call(test.key, newUser("keyless", "keyless@example.com", servertest.Password))
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("Idempotency-Key", test.message), res.StatusCode, body)
			})
		}
	})

	t.Run("NothingInClear", func(t *testing.T) {
		t.Parallel()
		const key = "key-in-clear-0123456789"
		const password = "a password in clear"
		body := newUser("clear", "clear@example.com", password)
		res, text := call(key, body)
		require.Equal(t, http.StatusCreated, res.StatusCode, text)
		token := requireUser(t, text)["token"].(string)
		plain := sha256.Sum256([]byte(body))
		stored, err := s.DB.Query(t.Context(), `SELECT key, fingerprint, answer, to_jsonb(k)::text FROM idempotency_keys k`)
		require.NoError(t, err)
		seen := 0
		var mac, fingerprint, answer []byte
		var whole string
		_, err = pgx.ForEachRow(stored, []any{&mac, &fingerprint, &answer, &whole}, func() error {
			seen++
			all := bytes.Join([][]byte{mac, fingerprint, answer, []byte(whole)}, nil)
			for _, secret := range []string{key, password, token, token[strings.LastIndex(token, ".")+1:], "clear@example.com", string(plain[:])} {
				if bytes.Contains(all, []byte(secret)) {
					return fmt.Errorf("%q is stored in clear", secret)
				}
			}
			return nil
		})
		require.NoError(t, err)
		require.NotZero(t, seen)
		require.NotContains(t, s.Log.String(), password)
		require.NotContains(t, s.Log.String(), token)
		require.NotContains(t, s.Log.String(), key)
	})
}

// TestExpireIdempotencyKeys has its own service because it makes every key
// expire.
func TestExpireIdempotencyKeys(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	call := func(body string) (*http.Response, string) {
		return s.Do(http.MethodPost, "/users", body, "Idempotency-Key", "key-old")
	}
	expire := func() int64 {
		n, err := idempotency.Expire(t.Context(), s.DB)
		require.NoError(t, err)
		return n
	}
	first := newUser("old", "old@example.com", servertest.Password)
	res, body := call(first)
	require.Equal(t, http.StatusCreated, res.StatusCode, body)
	require.Zero(t, expire())
	change(t, s, `UPDATE idempotency_keys SET created_at = now() - interval '23 hours 59 minutes'`)
	require.Zero(t, expire())
	res, _ = call(first)
	require.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))

	// The key can be used again even before its row is deleted.
	change(t, s, `UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'`)
	res, body = call(newUser("next", "next@example.com", servertest.Password))
	require.Equal(t, http.StatusCreated, res.StatusCode, body)
	require.Empty(t, res.Header.Values("Idempotency-Replayed"))
	require.Zero(t, expire())
	change(t, s, `UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'`)
	require.EqualValues(t, 1, expire())
	require.Zero(t, count(t, s, `SELECT count(*) FROM idempotency_keys`))
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("Anna")

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, email := range []string{"anna@example.com", "ANNA@EXAMPLE.COM", "Anna@example.com"} {
			res, body := s.Do(http.MethodPost, "/users/login", fmt.Sprintf(`{"user":{"email":%q,"password":%q,"EMAIL":"x","extra":1}}`, email, servertest.Password))
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			user := requireUser(t, body)
			require.Equal(t, "Anna", user["username"])
			require.Equal(t, "anna@example.com", user["email"], "as it was registered")
			require.Nil(t, user["bio"])
			require.Nil(t, user["image"])
			me, err := s.As(user["token"].(string)).GetCurrentUserWithResponse(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, me.StatusCode())
		}
	})

	// Both responses must be equal except for the request id. Otherwise they
	// reveal who has an account.
	t.Run("Wrong", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		var problems []client.Problem
		for _, in := range [][2]string{
			{"nobody@example.com", servertest.Password},
			{"anna@example.com", "wrong password"},
			{"anna@example.com", strings.ToUpper(servertest.Password)},
			{"anna@example.com", "          "},
			{"not an address", servertest.Password},
			{"a%@example.com", servertest.Password},
			{"ann_@example.com", servertest.Password},
		} {
			res := login(t, s, in[0], in[1])
			requireProblem(t, http.StatusUnauthorized, problem.CredentialsInvalid, oneField("credentials", "invalid"), res.StatusCode(), string(res.Body))
			require.NotEmpty(t, res.HTTPResponse.Header.Get("WWW-Authenticate"))
			p := *res.ApplicationproblemJSON4XX
			p.RequestId = ""
			problems = append(problems, p)
			require.Equal(t, problems[0], p)
		}
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		both := problem.Fields{"email": {blank}, "password": {blank}}
		for label, test := range map[string]struct {
			body   string
			fields problem.Fields
		}{
			"Blank":           {`{"user":{"email":"","password":""}}`, both},
			"Missing":         {`{"user":{}}`, both},
			"Null":            {`{"user":{"email":null,"password":null}}`, both},
			"BlankEmail":      {`{"user":{"email":" ","password":"x"}}`, oneField("email", blank)},
			"BlankPassword":   {`{"user":{"email":"anna@example.com","password":""}}`, oneField("password", blank)},
			"MissingPassword": {`{"user":{"email":"anna@example.com"}}`, oneField("password", blank)},
			"MissingWrapper":  {`{"email":"anna@example.com","password":"x"}`, oneField("user", blank)},
			"OtherCase":       {`{"user":{"Email":"anna@example.com","Password":"x"}}`, both},
			"LongPassword":    {`{"user":{"email":"anna@example.com","password":"` + strings.Repeat("x", 257) + `"}}`, oneField("password", "is too long (maximum is 256 characters)")},
			"NUL":             {`{"user":{"email":"anna\u0000@example.com","password":"x"}}`, oneField("email", "must not contain NUL")},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodPost, "/users/login", test.body)
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, test.fields, res.StatusCode, body)
			})
		}
	})

	// Accounts of a system that was migrated keep their passwords, and their
	// hashes become argon2id at the first sign-in.
	t.Run("RenewsOldHash", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Register("migrated")
		old, err := bcrypt.GenerateFromPassword([]byte("migrated password"), bcrypt.MinCost)
		require.NoError(t, err)
		change(t, s, `UPDATE users SET password_hash = $1 WHERE username = 'migrated'`, string(old))
		hash := func() (h string) {
			require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT password_hash FROM users WHERE username = 'migrated'`).Scan(&h))
			return h
		}
		require.Equal(t, http.StatusUnauthorized, login(t, s, "migrated@example.com", servertest.Password).StatusCode())
		require.Equal(t, string(old), hash(), "a failed sign-in renews nothing")
		require.Equal(t, http.StatusOK, login(t, s, "migrated@example.com", "migrated password").StatusCode())
		renewed := hash()
		require.True(t, strings.HasPrefix(renewed, "$argon2id$"), renewed)
		require.Equal(t, http.StatusOK, login(t, s, "migrated@example.com", "migrated password").StatusCode())
		require.Equal(t, renewed, hash())
	})

	t.Run("OldPassword", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Register("old")
		change(t, s, `UPDATE users SET created_at = created_at - interval '20 years', updated_at = updated_at - interval '20 years' WHERE username = 'old'`)
		require.Equal(t, http.StatusOK, login(t, s, "old@example.com", servertest.Password).StatusCode(), "no password expires")
	})

	t.Run("UnreadableHash", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		s.Register("broken")
		for _, hash := range []string{"$argon2id$secret", "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$c29tZWtleXNvbWVrZXlzbw", "$2b$99$" + strings.Repeat("a", 53), "$pbkdf2-sha512$i=1,l=64$salt$zz"} {
			change(t, s, `UPDATE users SET password_hash = $1 WHERE username = 'broken'`, hash)
			res := login(t, s, "broken@example.com", servertest.Password)
			requireProblem(t, http.StatusUnauthorized, "credentials_invalid", oneField("credentials", "invalid"), res.StatusCode(), string(res.Body))
		}
	})

	require.NotEmpty(t, anna.Token)
}

func TestGetCurrentUser(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	annaID := int64(count(t, s, `SELECT id FROM users WHERE username = 'anna'`))

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, scheme := range []string{"Token ", "Bearer ", "token ", "BEARER ", "Token   "} {
			res, body := s.Do(http.MethodGet, "/user", "", "Authorization", scheme+anna.Token)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			user := requireUser(t, body)
			require.Equal(t, "anna", user["username"])
			require.Equal(t, "anna@example.com", user["email"])
			require.Equal(t, anna.Token, user["token"])
			require.Contains(t, user, "bio")
			require.Contains(t, user, "image")
			require.Equal(t, "no-store", res.Header.Get("Cache-Control"), "the answer holds a token")
			again, _ := s.Do(http.MethodGet, "/user", "", "Authorization", scheme+anna.Token, "If-None-Match", res.Header.Get("ETag"))
			require.Equal(t, http.StatusNotModified, again.StatusCode)
			require.Equal(t, "no-store", again.Header.Get("Cache-Control"))
		}
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		now := time.Now()
		other, err := auth.NewTokens([]auth.Key{{ID: "other", Secret: bytes.Repeat([]byte("x"), 32)}}, auth.Lifetimes{Token: time.Hour}, time.Now)
		require.NoError(t, err)
		foreign, _, err := other.Issue(annaID, 1)
		require.NoError(t, err)
		for label, test := range map[string]struct {
			header  string
			code    problem.Code
			message string
		}{
			"Missing":       {"", problem.TokenMissing, "is missing"},
			"Garbage":       {"Token garbage", problem.TokenInvalid, "is invalid"},
			"NoToken":       {"Token", problem.TokenInvalid, "is invalid"},
			"OnlySpaces":    {"Token   ", problem.TokenInvalid, "is invalid"},
			"NoScheme":      {anna.Token, problem.TokenInvalid, "is invalid"},
			"Basic":         {"Basic " + anna.Token, problem.TokenInvalid, "is invalid"},
			"TwoSchemes":    {"Token Bearer " + anna.Token, problem.TokenInvalid, "is invalid"},
			"OtherKey":      {"Token " + foreign, problem.TokenInvalid, "is invalid"},
			"Cut":           {"Token " + anna.Token[:len(anna.Token)-1], problem.TokenInvalid, "is invalid"},
			"Expired":       {"Token " + tokenAt(t, s, now.Add(-2*time.Hour), annaID), problem.TokenExpired, "has expired"},
			"ExpiredBearer": {"Bearer " + tokenAt(t, s, now.Add(-2*time.Hour), annaID), problem.TokenExpired, "has expired"},
			"NotYet":        {"Token " + tokenAt(t, s, now.Add(2*time.Hour), annaID), problem.TokenInvalid, "is invalid"},
			"UnknownUser":   {"Token " + tokenAt(t, s, now, 1<<40), problem.TokenInvalid, "is invalid"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				for _, method := range []string{http.MethodGet, http.MethodPut} {
					body := ""
					if method == http.MethodPut {
						body = `{"user":{"bio":"x"}}`
					}
					var header []string
					if test.header != "" {
						header = []string{"Authorization", test.header}
					}
					res, text := s.Do(method, "/user", body, header...)
					requireProblem(t, http.StatusUnauthorized, test.code, oneField("token", test.message), res.StatusCode, text)
					challenge := `Token error="invalid_token"`
					if test.code == problem.TokenMissing {
						challenge = "Token"
					}
					require.Equal(t, challenge, res.Header.Get("WWW-Authenticate"))
					malformed := slices.Contains([]string{"NoToken", "OnlySpaces", "NoScheme", "Basic", "TwoSchemes"}, label)
					require.Equal(t, malformed, strings.Contains(text, "the scheme Token or Bearer"), "the detail names a wrong form: %s", text)
				}
			})
		}
	})

	t.Run("Deleted", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		gone := s.Register("gone")
		change(t, s, `DELETE FROM users WHERE username = 'gone'`)
		res, err := gone.GetCurrentUserWithResponse(t.Context(), nil)
		require.NoError(t, err)
		requireProblem(t, http.StatusUnauthorized, problem.TokenInvalid, oneField("token", "is invalid"), res.StatusCode(), string(res.Body))
		bio := nullable.NewNullableWithValue("x")
		put, err := gone.UpdateCurrentUserWithResponse(t.Context(), client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Bio: bio}})
		require.NoError(t, err)
		requireProblem(t, http.StatusUnauthorized, problem.TokenInvalid, oneField("token", "is invalid"), put.StatusCode(), string(put.Body))
	})
}

func TestUpdateCurrentUser(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	s.Register("Taken")
	put := func(u servertest.User, body string) (*http.Response, string) {
		return s.Do(http.MethodPut, "/user", body, "Authorization", "Token "+u.Token)
	}

	t.Run("MergePatch", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		long := strings.Repeat("語", 10000)
		for label, test := range map[string]struct {
			patch      string
			bio, image any
		}{
			"Nothing":        {`{}`, "old bio", "old image"},
			"Bio":            {`{"bio":"new"}`, "new", "old image"},
			"Image":          {`{"image":"new"}`, "old bio", "new"},
			"NullBio":        {`{"bio":null}`, nil, "old image"},
			"NullImage":      {`{"image":null}`, "old bio", nil},
			"EmptyBio":       {`{"bio":""}`, nil, "old image"},
			"EmptyImage":     {`{"image":""}`, "old bio", nil},
			"Both":           {`{"bio":null,"image":"new"}`, nil, "new"},
			"LongestBio":     {`{"bio":"` + long + `"}`, long, "old image"},
			"WhiteSpace":     {`{"bio":" \n"}`, " \n", "old image"},
			"UnknownMembers": {`{"extra":{"bio":"x"},"token":"x","id":7}`, "old bio", "old image"},
			"OtherCase":      {`{"BIO":"smuggled","Image":null}`, "old bio", "old image"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				u := s.Register("")
				res, body := put(u, `{"user":{"bio":"old bio","image":"old image"}}`)
				require.Equal(t, http.StatusOK, res.StatusCode, body)
				res, body = put(u, `{"user":`+test.patch+`}`)
				require.Equal(t, http.StatusOK, res.StatusCode, body)
				user := requireUser(t, body)
				require.Equal(t, map[string]any{
					"username": u.Username, "email": u.Email, "token": u.Token, "bio": test.bio, "image": test.image,
				}, user)
				_, body = s.Do(http.MethodGet, "/user", "", "Authorization", "Token "+u.Token)
				require.Equal(t, user, requireUser(t, body))
				require.Equal(t, http.StatusOK, login(t, s, u.Email, servertest.Password).StatusCode())
			})
		}
	})

	t.Run("Images", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("pictured")
		for _, image := range []string{
			"https://example.com/a.png", "HTTP://example.com", "https://bücher.example/ü?a=b:c#d", "http://[::1]:8080/a", "https://user@example.com/a",
			"https://user:a@b@example.com:443", "http://example.com?a@b", "http://example.com#@", `http://example.com\a@b`,
			"a.png", "/a:b.png", "//example.com/a.png", "//[::1]", "./a:b", "?a:b", "#", "/", "a//@/b", "/a//@:80", "data:image/png;base64,iVBORw0KGgo=",
		} {
			res, body := put(u, newImage(image))
			require.Equal(t, http.StatusOK, res.StatusCode, image)
			require.Equal(t, image, requireUser(t, body)["image"])
		}
		for _, image := range []string{
			"http:x", "http:/x", "HTTPS:x", "https:///x", `https:\\x`, `http:/\x`, "http://", "http://?x", "http://#x", "http://:80", "http://@/x", " http:x",
			"http://user@/x", "http://user@", "http://user@?x", "https://user@#x", "https://user:password@/x", "http://user@:80/x", `http://user@\x`,
			"http://a b/x", "http://user@a\tb", "//", "///x", "//user@/x", "//:80/x", "//?x", `//\x`, "//@",
			"http:\n//x", "ht\ttp:x", "\x01http:x", "javascript:alert(1)", "java\nscript:alert(1)", "file:///etc/passwd", "data:text/html,x", "blob:x", "a:b",
		} {
			res, body := put(u, newImage(image))
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed,
				oneField("image", "must be a relative URL, or an http or https URL with a host"), res.StatusCode, body)
		}
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("steady")
		all := problem.Fields{"username": {blank}, "email": {blank}, "password": {blank}}
		for label, test := range map[string]struct {
			patch  string
			fields problem.Fields
		}{
			"Null":          {`{"user":{"username":null,"email":null,"password":null}}`, all},
			"Blank":         {`{"user":{"username":"","email":"","password":""}}`, all},
			"WhiteSpace":    {`{"user":{"username":" ","email":" ","password":"         "}}`, all},
			"NullUsername":  {`{"user":{"username":null,"bio":"x"}}`, oneField("username", blank)},
			"NullEmail":     {`{"user":{"email":null,"bio":"x"}}`, oneField("email", blank)},
			"NullPassword":  {`{"user":{"password":null,"bio":"x"}}`, oneField("password", blank)},
			"ShortPassword": {`{"user":{"password":"1234567","bio":"x"}}`, oneField("password", shortPwd)},
			"BadEmail":      {`{"user":{"email":"nobody","bio":"x"}}`, oneField("email", notMail)},
			"Slash":         {`{"user":{"username":"a/b","bio":"x"}}`, oneField("username", "must not contain slashes or control characters, nor be made of dots")},
			"LongBio":       {`{"user":{"bio":"` + strings.Repeat("x", 10001) + `"}}`, oneField("bio", "is too long (maximum is 10000 characters)")},
			"LongImage":     {`{"user":{"image":"` + strings.Repeat("x", 2049) + `"}}`, oneField("image", "is too long (maximum is 2048 characters)")},
			"NULInBio":      {`{"user":{"bio":"a\u0000b"}}`, oneField("bio", "must not contain NUL")},
			"WrongType":     {`{"user":{"bio":1,"image":[]}}`, problem.Fields{"bio": {"must be a string"}, "image": {"must be a string"}}},
			"MissingUser":   {`{"bio":"x"}`, oneField("user", blank)},
			"NullUser":      {`{"user":null}`, oneField("user", blank)},
			"AllAtOnce":     {`{"user":{"username":null,"email":"x","password":"x"}}`, problem.Fields{"username": {blank}, "email": {notMail}, "password": {shortPwd}}},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				res, body := put(u, test.patch)
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, test.fields, res.StatusCode, body)
				me, err := u.GetCurrentUserWithResponse(t.Context(), nil)
				require.NoError(t, err)
				require.Equal(t, u.User, me.JSON200.User, "nothing has changed")
			})
		}
		t.Run("NotJSON", func(t *testing.T) {
			t.Parallel()
			res, body := put(u, `{"user":`)
			require.Equal(t, http.StatusBadRequest, res.StatusCode, body)
		})
		t.Run("TokenFirst", func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			res, body := s.Do(http.MethodPut, "/user", `{"user":{"username":null}}`)
			requireProblem(t, http.StatusUnauthorized, problem.TokenMissing, oneField("token", "is missing"), res.StatusCode, body)
		})
	})

	t.Run("Taken", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("envious")
		for label, test := range map[string]struct{ patch, field string }{
			"Username":            {`{"username":"Taken","bio":"x"}`, "username"},
			"UsernameInOtherCase": {`{"username":"tAkEn","bio":"x"}`, "username"},
			"Email":               {`{"email":"taken@example.com","bio":"x"}`, "email"},
			"EmailInOtherCase":    {`{"email":"TAKEN@example.com","bio":"x"}`, "email"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				res, body := put(u, `{"user":`+test.patch+`}`)
				requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField(test.field, "has already been taken"), res.StatusCode, body)
				me, err := u.GetCurrentUserWithResponse(t.Context(), nil)
				require.NoError(t, err)
				require.True(t, me.JSON200.User.Bio.IsNull(), "nothing of the patch is kept")
			})
		}
	})

	// These transactions once deadlocked: PostgreSQL ended the deadlock after a
	// second, and the response was 503.
	t.Run("EachOthers", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		users := []servertest.User{s.Register("tweedledum"), s.Register("tweedledee")}
		patches := []string{`{"user":{"username":"tweedledee"}}`, `{"user":{"username":"tweedledum"}}`}
		require.Equal(t, map[int]int{http.StatusConflict: 16}, atOnce(t, 16, func(i int) (int, error) {
			res, _ := put(users[i%2], patches[i%2])
			return res.StatusCode, nil
		}))
	})

	t.Run("OwnNameInOtherCase", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("modest")
		res, body := put(u, `{"user":{"username":"MODEST","email":"Modest@Example.com"}}`)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		user := requireUser(t, body)
		require.Equal(t, "MODEST", user["username"])
		require.Equal(t, "Modest@Example.com", user["email"])
	})

	t.Run("Username", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("before")
		article := s.Publish(u, "By somebody with a new name")
		res, body := put(u, `{"user":{"username":"after"}}`)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		for name, status := range map[string]int{"before": http.StatusNotFound, "after": http.StatusOK} {
			res, body := s.Do(http.MethodGet, "/profiles/"+name, "")
			require.Equal(t, status, res.StatusCode, body)
		}
		me, err := u.GetCurrentUserWithResponse(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "after", me.JSON200.User.Username, "the token names the account, not the name")
		a, err := s.Anonymous.GetArticleWithResponse(t.Context(), article.Slug, nil)
		require.NoError(t, err)
		require.Equal(t, "after", a.JSON200.Article.Author.Username)
		res, body = s.Do(http.MethodPost, "/users", newUser("before", "somebody.else@example.com", servertest.Password))
		require.Equal(t, http.StatusCreated, res.StatusCode, "a name that was given up is free: %s", body)
	})

	t.Run("Email", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("mover")
		res, body := put(u, `{"user":{"email":"moved@example.com","EMAIL":"smuggled@example.com"}}`)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.Equal(t, "moved@example.com", requireUser(t, body)["email"])
		require.Equal(t, http.StatusUnauthorized, login(t, s, "mover@example.com", servertest.Password).StatusCode())
		require.Equal(t, http.StatusUnauthorized, login(t, s, "smuggled@example.com", servertest.Password).StatusCode())
		require.Equal(t, http.StatusOK, login(t, s, "moved@example.com", servertest.Password).StatusCode())
	})

	t.Run("Password", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("careful")
		next := strings.Repeat("y", 80)
		res, body := put(u, `{"user":{"password":"`+next+`"}}`)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.NotContains(t, body, next)
		require.Equal(t, http.StatusUnauthorized, login(t, s, u.Email, servertest.Password).StatusCode())
		require.Equal(t, http.StatusUnauthorized, login(t, s, u.Email, next[:79]).StatusCode())
		require.Equal(t, http.StatusOK, login(t, s, u.Email, next).StatusCode())
		require.NotContains(t, s.Log.String(), next)
	})

	t.Run("Race", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		const n = 20
		users := make([]servertest.User, n)
		for i := range users {
			users[i] = s.Register("")
		}
		got := atOnce(t, n, func(i int) (int, error) {
			name := "Prize"
			res, err := users[i].UpdateCurrentUserWithResponse(context.WithoutCancel(t.Context()),
				client.UpdateCurrentUserJSONRequestBody{User: client.UpdateUser{Username: &name}})
			if err != nil {
				return 0, err
			}
			return res.StatusCode(), nil
		})
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: n - 1}, got)
	})
}

// TestAccountStatements checks the number of statements of each operation,
// which does not depend on the amount of data.
func TestAccountStatements(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, uncached)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Counted", "one", "two", "three").Slug
	bcrypted, err := bcrypt.GenerateFromPassword([]byte(servertest.Password), bcrypt.MinCost)
	require.NoError(t, err)
	register := newUser("anna", "anna@example.com", servertest.Password)
	keyed := newUser("keyed", "keyed@example.com", servertest.Password)
	signIn := `{"user":{"email":"jake@example.com","password":"` + servertest.Password + `"}}`
	names := `"jake"`
	for i := range 99 {
		names += fmt.Sprintf(`,"nobody%d"`, i)
	}
	for _, test := range []struct {
		label, method, path, body string
		key                       string
		status                    int
		statements                int64
	}{
		{"CreateUser", "POST", "/users", register, "", 201, 1},
		{"CreateUserTaken", "POST", "/users", register, "", 409, 1},
		{"CreateUserInvalid", "POST", "/users", `{}`, "", 422, 0},
		{"CreateUserWithKey", "POST", "/users", keyed, "k", 201, 4},
		{"CreateUserReplayed", "POST", "/users", keyed, "k", 201, 1},
		{"CreateUserKeyReused", "POST", "/users", register, "k", 422, 1},
		{"Login", "POST", "/users/login", signIn, "", 200, 3},
		{"LoginWrong", "POST", "/users/login", `{"user":{"email":"x@example.com","password":"x"}}`, "", 401, 1},
		{"LoginRenewsHash", "POST", "/users/login", signIn, "", 200, 4},
		{"GetCurrentUser", "GET", "/user", "", "", 200, 1},
		{"UpdateCurrentUser", "PUT", "/user", `{"user":{"bio":"x"}}`, "", 200, 1},
		{"UpdateCurrentUserPassword", "PUT", "/user", `{"user":{"bio":"x","password":"` + servertest.Password + `"}}`, "", 200, 2},
		{"GetProfileByUsername", "GET", "/profiles/anna", "", "", 200, 1},
		{"GetProfileByUsernameMissing", "GET", "/profiles/nobody", "", "", 404, 1},
		{"FollowUserByUsername", "POST", "/profiles/anna/follow", "", "", 200, 2},
		{"FollowUserByUsernameAgain", "POST", "/profiles/anna/follow", "", "", 200, 2},
		{"FollowUserByUsernameSelf", "POST", "/profiles/jake/follow", "", "", 422, 2}, // with the look whether a 404 comes first
		{"UnfollowUserByUsername", "DELETE", "/profiles/anna/follow", "", "", 200, 2},
		{"BatchGetProfilesOne", "POST", "/batch/profiles", `{"usernames":["jake"]}`, "", 200, 1},
		{"BatchGetProfilesHundred", "POST", "/batch/profiles", `{"usernames":[` + names + `]}`, "", 200, 1},
		{"CreateArticleFavorite", "POST", "/articles/" + slug + "/favorite", "", "", 200, 2},
		{"CreateArticleFavoriteAgain", "POST", "/articles/" + slug + "/favorite", "", "", 200, 2},
		{"DeleteArticleFavorite", "DELETE", "/articles/" + slug + "/favorite", "", "", 200, 2},
		{"GetTags", "GET", "/tags", "", "", 200, 1},
	} {
		t.Run(test.label, func(t *testing.T) {
			s := s.For(t)
			if test.label == "LoginRenewsHash" {
				change(t, s, `UPDATE users SET password_hash = $1 WHERE username = 'jake'`, string(bcrypted))
			}
			header := []string{"Authorization", "Token " + jake.Token}
			if test.key != "" {
				header = append(header, "Idempotency-Key", test.key)
			}
			s.Statements.Reset()
			res, body := s.Do(test.method, test.path, test.body, header...)
			n, statements := s.Statements.Reset()
			require.Equal(t, test.status, res.StatusCode, body)
			require.Equal(t, test.statements, n, strings.Join(statements, "\n"))
		})
	}
}
