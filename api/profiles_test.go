package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// requireProfile reads a profile and checks that it has the members of the
// contract and no other: other users must not see an e-mail address.
func requireProfile(t *testing.T, status int, body string) client.Profile {
	t.Helper()
	require.Equal(t, http.StatusOK, status, body)
	var raw map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &raw), body)
	require.Len(t, raw, 1, body)
	var names []string
	for name := range raw["profile"] {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{"bio", "following", "image", "username"}, names, body)
	var p client.ProfileResponse
	require.NoError(t, json.Unmarshal([]byte(body), &p), body)
	return p.Profile
}

func TestGetProfileByUsername(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna, jake := s.Register("anna"), s.Register("Jake")
	_, err := anna.FollowUserByUsernameWithResponse(t.Context(), "Jake")
	require.NoError(t, err)

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for label, test := range map[string]struct {
			token, path string
			following   bool
		}{
			"Anonymous": {"", "Jake", false},
			"Follower":  {anna.Token, "Jake", true},
			"OtherCase": {anna.Token, "jAKE", true},
			"Self":      {jake.Token, "Jake", false},
			"NotMutual": {jake.Token, "anna", false},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				var header []string
				if test.token != "" {
					header = []string{"Authorization", "Token " + test.token}
				}
				res, body := s.Do(http.MethodGet, "/profiles/"+test.path, "", header...)
				p := requireProfile(t, res.StatusCode, body)
				require.Equal(t, test.following, p.Following)
				require.True(t, p.Bio.IsNull())
				require.True(t, p.Image.IsNull())
				require.Empty(t, res.Header.Values("WWW-Authenticate"))
				require.True(t, strings.EqualFold(test.path, p.Username))
			})
		}
	})

	// A front end with a stale token must still be able to show public pages.
	t.Run("BadToken", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		annaID := int64(count(t, s, `SELECT id FROM users WHERE username = 'anna'`))
		for label, header := range map[string]string{
			"Garbage": "Token garbage",
			"Expired": "Token " + tokenAt(t, s, time.Now().Add(-2*time.Hour), annaID),
			"Scheme":  "Basic " + anna.Token,
			"Empty":   "Token",
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodGet, "/profiles/Jake", "", "Authorization", header)
				require.False(t, requireProfile(t, res.StatusCode, body).Following)
				require.Equal(t, `Token error="invalid_token"`, res.Header.Get("WWW-Authenticate"))
			})
		}
	})

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, path := range []string{"nobody", "Jake%E2%80%8B", "%25", "jak_", "Jake%2520", "%5C", strings.Repeat("x", 300)} {
			res, body := s.Do(http.MethodGet, "/profiles/"+path, "", "Authorization", "Token "+anna.Token)
			requireProblem(t, http.StatusNotFound, problem.NotFoundCode, oneField("profile", "not found"), res.StatusCode, body)
		}
	})

	t.Run("SeesWrites", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		u := s.Register("fickle")
		for _, bio := range []string{"one", "two"} {
			res, body := s.Do(http.MethodPut, "/user", `{"user":{"bio":"`+bio+`","image":"`+bio+`.png"}}`, "Authorization", "Token "+u.Token)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			for _, header := range [][]string{nil, {"Authorization", "Token " + anna.Token}} {
				res, body := s.Do(http.MethodGet, "/profiles/fickle", "", header...)
				p := requireProfile(t, res.StatusCode, body)
				require.Equal(t, bio, p.Bio.MustGet())
				require.Equal(t, bio+".png", p.Image.MustGet())
			}
		}
	})
}

// TestProfilePaths calls every operation that has a name in its path, with
// names that proxies, clients and routers often change.
func TestProfilePaths(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	reader := s.Register("reader")
	for i, name := range []string{
		"Anna Maria", "a,b", "50%", "100%25", "%41", "%", "a+b", "a;b=c", "a&b", "a=b", "a?b", "a#b", "a:b", "@me", "é", "名前",
		"👩‍💻", "Straße", `back\slash`, `"quoted"`, "<b>", "{x}", "[x]", "a|b", "^`~", "follow", "..a", "a..", ":username", "*",
		"semi;", "null", " padded ", "o\u0301",
	} {
		res, body := s.Do(http.MethodPost, "/users", newUser(name, fmt.Sprintf("path%d@example.com", i), servertest.Password))
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			follow, err := reader.FollowUserByUsernameWithResponse(t.Context(), name)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, follow.StatusCode(), string(follow.Body))
			require.Equal(t, name, follow.JSON200.Profile.Username)
			get, err := reader.GetProfileByUsernameWithResponse(t.Context(), name, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, get.StatusCode(), string(get.Body))
			require.Equal(t, name, get.JSON200.Profile.Username)
			require.True(t, get.JSON200.Profile.Following)
			unfollow, err := reader.UnfollowUserByUsernameWithResponse(t.Context(), name)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, unfollow.StatusCode(), string(unfollow.Body))
			require.Equal(t, name, unfollow.JSON200.Profile.Username)

			// Some clients encode every character, others only those that they
			// must.
			all := ""
			for _, b := range []byte(name) {
				all += fmt.Sprintf("%%%02x", b)
			}
			for _, path := range []string{all, strings.ToUpper(all), url.PathEscape(name), (&url.URL{Path: name}).EscapedPath()} {
				res, body := s.Do(http.MethodGet, "/profiles/"+path, "")
				require.Equal(t, name, requireProfile(t, res.StatusCode, body).Username, path)
			}
		})
	}
}

func TestFollowUserByUsername(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna, jake := s.Register("anna"), s.Register("Jake")

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		follow := func(method string, want bool) {
			t.Helper()
			res, body := s.Do(method, "/profiles/jAKE/follow", "", "Authorization", "Token "+anna.Token)
			p := requireProfile(t, res.StatusCode, body)
			require.Equal(t, want, p.Following)
			require.Equal(t, "Jake", p.Username)
			res, body = s.Do(http.MethodGet, "/profiles/Jake", "", "Authorization", "Bearer "+anna.Token)
			require.Equal(t, want, requireProfile(t, res.StatusCode, body).Following)
			rows := 0
			if want {
				rows = 1
			}
			require.Equal(t, rows, count(t, s, `SELECT count(*) FROM follows f JOIN users u ON u.id = f.followee_id WHERE u.username = 'Jake'`))
		}
		follow(http.MethodDelete, false)
		follow(http.MethodPost, true)
		follow(http.MethodPost, true)
		follow(http.MethodDelete, false)
		follow(http.MethodDelete, false)
		follow(http.MethodPost, true)
		res, body := s.Do(http.MethodGet, "/profiles/anna", "", "Authorization", "Token "+jake.Token)
		require.False(t, requireProfile(t, res.StatusCode, body).Following, "following is not mutual")
	})

	t.Run("Self", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"Jake", "jake", "JAKE"} {
			res, err := jake.FollowUserByUsernameWithResponse(t.Context(), name)
			require.NoError(t, err)
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("username", "can't be yourself"), res.StatusCode(), string(res.Body))
		}
		res, err := jake.UnfollowUserByUsernameWithResponse(t.Context(), "Jake")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	})

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			res, body := s.Do(method, "/profiles/nobody/follow", "", "Authorization", "Token "+anna.Token)
			requireProblem(t, http.StatusNotFound, problem.NotFoundCode, oneField("profile", "not found"), res.StatusCode, body)
		}
	})

	t.Run("Unauthorized", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			for _, name := range []string{"Jake", "nobody"} {
				res, body := s.Do(method, "/profiles/"+name+"/follow", "")
				requireProblem(t, http.StatusUnauthorized, problem.TokenMissing, oneField("token", "is missing"), res.StatusCode, body)
				res, body = s.Do(method, "/profiles/"+name+"/follow", "", "Authorization", "Token garbage")
				requireProblem(t, http.StatusUnauthorized, problem.TokenInvalid, oneField("token", "is invalid"), res.StatusCode, body)
			}
		}
	})

	t.Run("DeletedViewer", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		gone := s.Register("gone")
		change(t, s, `DELETE FROM users WHERE username = 'gone'`)
		res, err := gone.FollowUserByUsernameWithResponse(t.Context(), "Jake")
		require.NoError(t, err)
		requireProblem(t, http.StatusUnauthorized, problem.TokenInvalid, oneField("token", "is invalid"), res.StatusCode(), string(res.Body))
	})

	t.Run("Race", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		const n = 50
		fan, idol := s.Register("fan"), s.Register("idol")
		rows := `SELECT count(*) FROM follows f JOIN users u ON u.id = f.followee_id WHERE u.username = 'idol'`
		follow := func(int) (int, error) {
			res, err := fan.FollowUserByUsernameWithResponse(t.Context(), idol.Username)
			if err != nil {
				return 0, err
			}
			return res.StatusCode(), nil
		}
		require.Equal(t, map[int]int{http.StatusOK: n}, atOnce(t, n, follow))
		require.Equal(t, 1, count(t, s, rows))
		got := atOnce(t, n, func(i int) (int, error) {
			if i%2 == 0 {
				return follow(i)
			}
			res, err := fan.UnfollowUserByUsernameWithResponse(t.Context(), idol.Username)
			if err != nil {
				return 0, err
			}
			return res.StatusCode(), nil
		})
		require.Equal(t, map[int]int{http.StatusOK: n}, got)
		profile, err := fan.GetProfileByUsernameWithResponse(t.Context(), idol.Username, nil)
		require.NoError(t, err)
		require.Equal(t, profile.JSON200.Profile.Following, count(t, s, rows) == 1)
	})
}

func TestBatchGetProfiles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	for _, name := range []string{"Jake", "zoe", "bob"} {
		s.Register(name)
	}
	_, err := anna.FollowUserByUsernameWithResponse(t.Context(), "zoe")
	require.NoError(t, err)

	many := func(n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf("nobody%d", i))
		}
		return names
	}
	for label, test := range map[string]struct {
		caller         *client.ClientWithResponses
		asked          []string
		found, missing []string
		following      []string
	}{
		"InTheOrderAsked": {anna.ClientWithResponses, []string{"zoe", "Jake", "bob"}, []string{"zoe", "Jake", "bob"}, []string{}, []string{"zoe"}},
		"Anonymous":       {s.Anonymous, []string{"zoe", "Jake"}, []string{"zoe", "Jake"}, []string{}, nil},
		"BadToken":        {s.As("garbage"), []string{"zoe"}, []string{"zoe"}, []string{}, nil},
		"Missing":         {s.Anonymous, []string{"x", "Jake", "y%", "Jak_"}, []string{"Jake"}, []string{"x", "y%", "Jak_"}, nil},
		"AllMissing":      {s.Anonymous, []string{"x"}, []string{}, []string{"x"}, nil},
		"Duplicates":      {s.Anonymous, []string{"bob", "x", "Jake", "bob", "x"}, []string{"bob", "Jake"}, []string{"x"}, nil},
		"OtherCase":       {s.Anonymous, []string{"JAKE"}, []string{"Jake"}, []string{}, nil},
		// A request with two spellings of a name gets a result for each.
		"TwoSpellings": {s.Anonymous, []string{"jake", "bob", "JAKE"}, []string{"Jake", "bob", "Jake"}, []string{}, nil},
		"Hundred":      {s.Anonymous, append(many(99), "Jake"), []string{"Jake"}, many(99), nil},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			res, err := test.caller.BatchGetProfilesWithResponse(t.Context(), client.BatchGetProfilesJSONRequestBody{Usernames: test.asked})
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			found, following := []string{}, []string(nil)
			for _, p := range res.JSON200.Profiles {
				found = append(found, p.Username)
				if p.Following {
					following = append(following, p.Username)
				}
			}
			require.Equal(t, test.found, found)
			require.Equal(t, test.missing, res.JSON200.Missing)
			require.Equal(t, test.following, following)
		})
	}

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		s := s.For(t)
		tooMany, err := json.Marshal(client.ProfileBatchRequest{Usernames: many(101)})
		require.NoError(t, err)
		for label, test := range map[string]struct{ body, message string }{
			"Empty":     {`{"usernames":[]}`, blank},
			"Missing":   {`{}`, blank},
			"Null":      {`{"usernames":null}`, blank},
			"TooMany":   {string(tooMany), "has too many items (maximum is 100)"},
			"WrongType": {`{"usernames":"jake"}`, "must be an array"},
			"BlankName": {`{"usernames":[""]}`, blank},
			"NullName":  {`{"usernames":["jake",null]}`, blank},
			"NumberIn":  {`{"usernames":[1]}`, "must be a string"},
			"LongName":  {`{"usernames":["` + strings.Repeat("x", 65) + `"]}`, "is too long (maximum is 64 characters)"},
			"NUL":       {`{"usernames":["a\u0000b"]}`, "must not contain NUL"},
		} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				s := s.For(t)
				res, body := s.Do(http.MethodPost, "/batch/profiles", test.body)
				requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("usernames", test.message), res.StatusCode, body)
			})
		}
	})
}
