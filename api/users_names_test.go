package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

const invisible = "must not contain invisible or unassigned characters"

// alike are other spellings of the name "Zoé K", which people cannot tell
// apart from it.
var alike = []string{
	"Zoé K", "zoé k", "ZOÉ K", "Zoe\u0301 K", " Zoé K", "Zoé K ", "Zoé\u00a0K", "Zoé  K", "\u3000Zoé\u2003K", "Ｚｏé Ｋ", "Zoé \u212a", "𝐙𝐨é 𝐊",
}

// unseen are names with characters that nobody sees.
var unseen = []string{
	"ja\u200bke", "jake\u200d", "ja\u00adke", "\u202ejake", "jake\u200e", "\u2067jake\u2069", "\ufeffjake", "ja\u0085ke", "ja\u2028ke", "jake\u2060",
	"\u3164", "jake\uffa0", "jake\u2800", "jake\ufe0f", "jake\U000e0041", "\ue000", "\uffff", "\u200b\u200b",
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	zoe, reader, root := s.Register("zoe"), s.Register("reader"), s.Register("root")
	s.SetRole("root", auth.Admin)
	s.Publish(zoe, "By Zoé", "x")
	favorite := responseOf(zoe.CreateArticleFavoriteWithResponse(t.Context(), "by-zoe"))
	require.Equal(t, http.StatusOK, favorite.StatusCode())
	put := func(u servertest.User, patch map[string]string) (*http.Response, string) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"user": patch})
		require.NoError(t, err)
		return s.Do(http.MethodPut, "/user", string(body), "Authorization", "Token "+u.Token)
	}
	res, body := put(zoe, map[string]string{"username": "Zoé K"})
	require.Equal(t, http.StatusOK, res.StatusCode, body)

	t.Run("Taken", func(t *testing.T) {
		taken := oneField("username", "has already been taken")
		for i, name := range alike {
			res, body := s.Do(http.MethodPost, "/users", newUser(name, fmt.Sprintf("alike%d@example.com", i), servertest.Password))
			requireProblem(t, http.StatusConflict, problem.AlreadyTaken, taken, res.StatusCode, body)
			res, body = put(reader, map[string]string{"username": name})
			requireProblem(t, http.StatusConflict, problem.AlreadyTaken, taken, res.StatusCode, body)
		}
	})
	t.Run("FormsOfLetters", func(t *testing.T) {
		res, body := s.Do(http.MethodPost, "/users", newUser("οδος", "sigma@example.com", servertest.Password))
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		for _, name := range []string{"ΟΔΟΣ", "οδοσ"} {
			res, body = s.Do(http.MethodPost, "/users", newUser(name, "sigma2@example.com", servertest.Password))
			requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField("username", "has already been taken"), res.StatusCode, body)
		}
	})
	t.Run("Found", func(t *testing.T) {
		for _, name := range alike {
			path, value := url.PathEscape(name), url.QueryEscape(name)
			res, body := s.Do(http.MethodGet, "/profiles/"+path, "")
			require.Equal(t, "Zoé K", requireProfile(t, res.StatusCode, body).Username)
			res, body = s.Do(http.MethodPost, "/profiles/"+path+"/follow", "", "Authorization", "Token "+reader.Token)
			require.True(t, requireProfile(t, res.StatusCode, body).Following)
			res, body = s.Do(http.MethodDelete, "/profiles/"+path+"/follow", "", "Authorization", "Token "+reader.Token)
			require.False(t, requireProfile(t, res.StatusCode, body).Following)
			for _, filter := range []string{"author=", "favorited=", "tag=x&author=", "tag=x&favorited=", "favorited=" + value + "&author="} {
				_, body = s.Do(http.MethodGet, "/articles?"+filter+value, "")
				require.Contains(t, body, `"articlesCount":1`, filter+value)
			}
			batch := responseOf(reader.BatchGetProfilesWithResponse(t.Context(), client.BatchGetProfilesJSONRequestBody{Usernames: []string{name}}))
			require.Len(t, batch.JSON200.Profiles, 1)
			require.Empty(t, batch.JSON200.Missing)
			_, body = s.Do(http.MethodGet, "/admin/users?username="+value, "", "Authorization", "Token "+root.Token)
			require.Contains(t, body, `"username":"Zoé K"`)
			res, body = s.Do(http.MethodPut, "/admin/users/"+path+"/role", `{"role":"author"}`, "Authorization", "Token "+root.Token)
			require.Equal(t, http.StatusOK, res.StatusCode, body)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		for i, name := range unseen {
			res, body := s.Do(http.MethodPost, "/users", newUser(name, fmt.Sprintf("unseen%d@example.com", i), servertest.Password))
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("username", invisible), res.StatusCode, body)
			res, body = put(reader, map[string]string{"username": name, "bio": "changed"})
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("username", invisible), res.StatusCode, body)
			res, _ = s.Do(http.MethodGet, "/profiles/"+url.PathEscape(name), "")
			require.Equal(t, http.StatusNotFound, res.StatusCode)
			res, body = s.Do(http.MethodPost, "/users", newUser("mailed", name+"@example.com", servertest.Password))
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("email", notMail), res.StatusCode, body)
		}
	})
	t.Run("Renamed", func(t *testing.T) {
		u := s.Register("before")
		for _, name := range []string{"Before", "Bef\u00f6re", "Befo\u0308re", "Ａfter", "After"} {
			res, body := put(u, map[string]string{"username": name})
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.Equal(t, name, requireUser(t, body)["username"], "a name is shown as it was sent")
		}
		res, body := s.Do(http.MethodGet, "/profiles/"+url.PathEscape("ａｆｔｅｒ"), "")
		require.Equal(t, "After", requireProfile(t, res.StatusCode, body).Username)
		res, body = put(reader, map[string]string{"username": "before"})
		require.Equal(t, http.StatusOK, res.StatusCode, body, "the earlier name is free")
	})
	t.Run("Older", func(t *testing.T) {
		// These accounts are older than the rules.
		for i, name := range []string{"root ", "ja\u200bke"} {
			u := s.Register(fmt.Sprint("older", i))
			change(t, s, `UPDATE users SET username = $2, folded_username = NULL WHERE username = $1`, u.Username, name)
			require.Equal(t, http.StatusOK, login(t, s, u.Email, servertest.Password).StatusCode())
			res, body := s.Do(http.MethodGet, "/profiles/"+url.PathEscape(name), "")
			require.Equal(t, name, requireProfile(t, res.StatusCode, body).Username, "an exact name comes first")
			res, body = put(u, map[string]string{"username": name, "bio": "kept"})
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			require.Equal(t, name, requireUser(t, body)["username"])
			res, body = put(u, map[string]string{"username": "ja\u200cke"})
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("username", invisible), res.StatusCode, body)
			renamed := fmt.Sprint("Newer", i)
			res, body = put(u, map[string]string{"username": renamed})
			require.Equal(t, http.StatusOK, res.StatusCode, body)
			res, body = s.Do(http.MethodGet, "/profiles/"+url.PathEscape(" "+renamed), "")
			require.Equal(t, renamed, requireProfile(t, res.StatusCode, body).Username)
		}
	})
}

func TestTagNames(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake := s.Register("jake")
	kept := []string{"go", "C", "c++", "two words", "naïve", "👩‍💻", "☃\ufe0f", "1\ufe0f\u20e3", "می\u200cخواهم", "क्\u200dष"}
	a := s.Publish(jake, "Tagged", kept...)
	require.Equal(t, kept, a.TagList)
	for _, tag := range unseen {
		list, err := json.Marshal([]string{"go", tag})
		require.NoError(t, err)
		for _, path := range []string{"POST /articles", "PUT /articles/tagged"} {
			method, path, _ := strings.Cut(path, " ")
			res, body := s.Do(method, path, `{"article":{"title":"Tagged","description":"d","body":"b","tagList":`+string(list)+`}}`, signed(jake)...)
			requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, oneField("tagList", invisible), res.StatusCode, body)
		}
	}
}
