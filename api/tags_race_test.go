package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oapi-codegen/nullable"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestTagsAreForEditors checks that nobody below an editor changes a tag, nor a
// key of an editor without the scope for it.
func TestTagsAreForEditors(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	s.Publish(jake, "First", "go", "rust")
	key := newKey(t, editor, client.Read, client.Write)
	for name, token := range map[string]string{
		"an author": jake.Token, "a reader": withRole(s, "rita", auth.Reader).Token, "a moderator": withRole(s, "mia", auth.Moderator).Token,
		"a key of an editor": key.Key,
	} {
		for _, request := range []string{`PUT /tags/go {"name":"golang"}`, `PUT /tags/go {"description":"x"}`, `POST /tags/go/merge {"into":"rust"}`, `PUT /tags/go {"name":""}`} {
			part := strings.SplitN(request, " ", 3)
			res, body := s.Do(part[0], part[1], part[2], "Authorization", "Token "+token)
			require.Equal(t, http.StatusForbidden, res.StatusCode, "%s: %s: %s", name, request, body)
		}
	}
	require.Equal(t, []string{"go", "rust"}, tagListOf(t, jake, "first"))
	require.Zero(t, count(t, s, `SELECT count(*) FROM audit_log WHERE subject_kind = 'tag'`))
	require.Equal(t, "Go", rename(t, withRole(s, "root", auth.Admin), "go", "Go").Name)
}

// TestTagsInAuditLog checks what the audit log has about tags, and that nothing
// is written if nothing changes.
func TestTagsInAuditLog(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	s.Publish(jake, "First", "go", "rust", "other")
	describe := func(tag string, text nullable.Nullable[string], name *string) client.ManagedTag {
		res := responseOf(editor.UpdateTagWithResponse(t.Context(), tag, client.UpdateTagRequest{Name: name, Description: text}))
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		return res.JSON200.Tag
	}
	require.Equal(t, "A language", describe("go", nullable.NewNullableWithValue("A language"), nil).Description.MustGet())
	describe("go", nullable.NewNullableWithValue("A language"), nil)
	describe("GO", nil, ptrTo("go"))
	describe("go", nil, nil)
	renamed := describe("go", nil, ptrTo("Golang"))
	require.Equal(t, "A language", renamed.Description.MustGet(), "a rename keeps the description")
	renamed = describe("go", nullable.NewNullNullable[string](), ptrTo("Go"))
	require.True(t, renamed.Description.IsNull())
	merge(t, editor, "rust", "golang")
	for body, fields := range map[string]problem.Fields{
		`{"into":"go"}`: oneField("into", "must be another tag"), `{"into":"Rust"}`: oneField("into", "must be another tag"), `{"into":"none"}`: oneField("into", "does not exist"),
	} {
		res, text := s.Do(http.MethodPost, "/tags/rust/merge", body, signed(editor)...)
		requireProblem(t, http.StatusUnprocessableEntity, problem.ValidationFailed, fields, res.StatusCode, text)
	}
	res, text := s.Do(http.MethodPut, "/tags/other", `{"name":"GOLANG"}`, signed(editor)...)
	requireProblem(t, http.StatusConflict, problem.AlreadyTaken, oneField("name", problem.Taken), res.StatusCode, text)

	entries := responseOf(withRole(s, "root", auth.Admin).GetAuditLogWithResponse(t.Context(), &client.GetAuditLogParams{Actor: ptrTo("edith")})).JSON200.Entries
	var got []string
	for _, e := range slices.Backward(entries) {
		from, _ := e.From.Get()
		to, _ := e.To.Get()
		name, _ := e.Subject.Name.Get()
		got = append(got, fmt.Sprint(e.Action, " ", e.Subject.Kind, " ", name, ": ", from, " > ", to))
	}
	require.Equal(t, []string{
		"tag.described tag Go:  > ", "tag.renamed tag Go: go > Golang", "tag.described tag Go:  > ", "tag.renamed tag Go: Golang > Go", "tag.merged tag Go: rust > Go",
	}, got)
	requireCounters(t, s)
}

// TestTagRaces renames and merges tags in all directions while articles with
// them are written. In the end there is one tag for each article and name.
func TestTagRaces(t *testing.T) {
	t.Parallel()
	s := crowded(t, servertest.Mailing())
	editors := []servertest.User{withRole(s, "edith", auth.Editor), withRole(s, "ed", auth.Editor)}
	writers := []servertest.User{s.Register(""), s.Register("")}
	stays := s.Publish(writers[0], "Stays", "a", "b", "c", "d").Slug
	ctx, stop := context.WithCancel(t.Context())
	wrote := make(chan error, len(writers))
	for n, u := range writers {
		go func() {
			var failed error
			for i := 0; ctx.Err() == nil && failed == nil; i++ {
				list := []string{string("abcd"[i%4]), strings.ToUpper(string("abcd"[(i/4)%4])), fmt.Sprint("new", i%3)}
				res, err := u.CreateArticleWithResponse(t.Context(), nil, newArticle(fmt.Sprint("Title ", n, " ", i), list...))
				switch {
				case err != nil || res.JSON201 == nil:
					failed = fmt.Errorf("create: %w %s", err, res.Body)
				case i%2 == 0:
					if gone, err := u.DeleteArticleWithResponse(t.Context(), res.JSON201.Article.Slug, nil); err != nil || gone.StatusCode() != http.StatusNoContent {
						failed = fmt.Errorf("delete: %w %s", err, gone.Body)
					}
				case i%3 == 0:
					res := retag(t, u, res.JSON201.Article.Slug, "a", "new1")
					if res.StatusCode() != http.StatusOK {
						failed = fmt.Errorf("update: %s", res.Body)
					}
				}
			}
			wrote <- failed
		}()
	}
	for round := range 4 {
		for _, status := range together(8, func(i int) int {
			by, letter := editors[i%2], string("abcd"[i%4])
			res, err := by.UpdateTagWithResponse(t.Context(), letter, client.UpdateTagRequest{Name: ptrTo(fmt.Sprint("name ", round, " ", i/2))})
			require.NoError(t, err)
			return res.StatusCode()
		}) {
			require.Contains(t, []int{http.StatusOK, http.StatusConflict}, status)
		}
	}
	crossing := together(2, func(i int) int {
		pair := []string{"a", "b"}
		return responseOf(editors[i].MergeTagWithResponse(t.Context(), pair[i], client.MergeTagRequest{Into: pair[1-i]})).StatusCode()
	})
	slices.Sort(crossing)
	require.Equal(t, []int{http.StatusOK, http.StatusUnprocessableEntity}, crossing, "one of two merges that cross is of a tag into itself")
	circle := together(3, func(i int) int {
		return responseOf(editors[i%2].MergeTagWithResponse(t.Context(), string("acd"[i]), client.MergeTagRequest{Into: string("cda"[i])})).StatusCode()
	})
	slices.Sort(circle)
	require.Equal(t, []int{http.StatusOK, http.StatusOK, http.StatusUnprocessableEntity}, circle)
	stop()
	for range writers {
		require.NoError(t, <-wrote)
	}
	require.Len(t, tagListOf(t, writers[0], stays), 1, "all have become one tag")
	_, tag := tagOf(t, s, "a")
	for _, name := range []string{"B", "c", "d", "name 0 0", "name 3 3"} {
		if status, other := tagOf(t, s, name); status == http.StatusOK {
			require.Equal(t, tag.Name, other.Name, name)
		}
	}
	// The job moves articles that their writers held during the merge.
	require.Eventually(t, func() bool {
		_, tag = tagOf(t, s, "a")
		return tag.ArticlesToMove == 0
	}, 20*time.Second, 20*time.Millisecond)
	require.EqualValues(t, count(t, s, `SELECT count(*) FROM articles`), tag.ArticlesCount)
	require.Zero(t, count(t, s, `SELECT count(*) FROM tag_names n WHERE n.shown AND EXISTS (SELECT FROM merged_tags m WHERE m.name = n.tag)`))
	requireCounters(t, s)
}

// TestTagWaits holds the transaction of a writer open, which uses a tag by the
// text that identifies it: a merge of the tag waits for it, and the tag is not
// forgotten with its last other article. A writer waits for a merge as well.
func TestTagWaits(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	s.Publish(jake, "First", "go")
	s.Publish(jake, "Second", "rust")
	begin := func(sql string) pgx.Tx {
		tx, err := s.DB.Pool().Begin(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
		_, err = tx.Exec(t.Context(), sql)
		require.NoError(t, err)
		return tx
	}
	statuses := make(chan int, 1)
	waits := func() {
		require.Eventually(t, func() bool {
			return count(t, s, `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()`) == 1
		}, 20*time.Second, 5*time.Millisecond)
	}

	// Only the locks of tags: an article locks its author and counters too.
	writer := begin(`CREATE TEMP TABLE written (tags text[], hidden boolean);
		CREATE TRIGGER written_tags BEFORE INSERT ON written FOR EACH ROW EXECUTE FUNCTION identify_tags();
		INSERT INTO written VALUES ('{go}', false)`)
	require.Equal(t, http.StatusNoContent, responseOf(jake.DeleteArticleWithResponse(t.Context(), "first", nil)).StatusCode())
	require.Equal(t, 1, count(t, s, `SELECT count(*) FROM tag_names WHERE tag = 'go'`), "a writer holds it")
	require.NoError(t, writer.Rollback(t.Context()))

	writer = begin(`WITH created AS (
			INSERT INTO articles (slug, author_id, title, description, body, tags) SELECT 'third', id, 'Third', '', '', '{go}' FROM users WHERE username = 'jake' RETURNING id
		) INSERT INTO article_slugs (slug, article_id) SELECT 'third', id FROM created`)
	go func() {
		statuses <- responseOf(editor.MergeTagWithResponse(t.Context(), "go", client.MergeTagRequest{Into: "rust"})).StatusCode()
	}()
	waits()
	require.NoError(t, writer.Commit(t.Context()))
	require.Equal(t, http.StatusOK, <-statuses)
	_, tag := tagOf(t, s, "go")
	require.Equal(t, "rust", tag.Name)
	require.EqualValues(t, 2, tag.ArticlesCount)

	merging := begin(`SELECT hold_tag('rust', '{}')`)
	go func() {
		statuses <- responseOf(jake.CreateArticleWithResponse(t.Context(), nil, newArticle("Fourth", "rust"))).StatusCode()
	}()
	waits()
	require.NoError(t, merging.Commit(t.Context()))
	require.Equal(t, http.StatusCreated, <-statuses)
	requireCounters(t, s)
}

// TestTagsGetOneName gives many tags the same new name at the same time.
func TestTagsGetOneName(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	editor := withRole(s, "edith", auth.Editor)
	const n = 10
	for i := range n {
		s.Publish(editor, "An article", fmt.Sprint("t", i))
	}
	got := atOnce(t, n, func(i int) (int, error) {
		res, err := editor.UpdateTagWithResponse(t.Context(), fmt.Sprint("t", i), client.UpdateTagRequest{Name: ptrTo("One")})
		if err != nil {
			return 0, err
		}
		return res.StatusCode(), nil
	})
	require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: n - 1}, got)
	requireCounters(t, s)
}

// TestTagNamesOfReplicas renames and merges tags on one replica, and reads from
// another.
func TestTagNamesOfReplicas(t *testing.T) {
	t.Parallel()
	s := caching(t)
	other := caching(t, servertest.WithDatabase(s.DB.Pool().Config().ConnString()))
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	s.Publish(jake, "First", "go", "rust")
	anonymous := servertest.User{ClientWithResponses: other.Anonymous}
	require.Equal(t, []string{"go", "rust"}, tagListOf(t, anonymous, "first"))
	require.Equal(t, []string{"first"}, listedUnder(t, other, "go"))
	rename(t, editor, "go", "Golang")
	require.Equal(t, []string{"Golang", "rust"}, tagListOf(t, anonymous, "first"))
	require.Equal(t, []string{"Golang", "rust"}, tagsWith(t, other, "").Tags)
	merge(t, editor, "rust", "golang")
	require.Equal(t, []string{"Golang"}, tagListOf(t, anonymous, "first"))
	require.Equal(t, []string{"first"}, listedUnder(t, other, "rust"))
	require.Equal(t, []string{"Golang"}, tagsWith(t, other, "").Tags)
	res, body := other.Do(http.MethodGet, "/articles/first", "", signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, `"tagList":["Golang"]`)
	requireCounters(t, s)
}

// TestExportHasTagNames checks that an export has the names that articles show.
func TestExportHasTagNames(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, editor := s.Register("jake"), withRole(s, "edith", auth.Editor)
	s.Publish(jake, "First", "b", "go", "golang")
	merge(t, editor, "golang", "go")
	rename(t, editor, "go", "Go")
	res, body := s.Do(http.MethodGet, "/user/export", "", signed(jake)...)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, strings.ReplaceAll(body, " ", ""), `"tagList":["b","Go"]`)
}
