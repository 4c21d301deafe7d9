package seed

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/servertest"
)

// TestNewsroom checks what users of a seeded database see.
func TestNewsroom(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Mailing())
	cfg := small()
	const password = "byline-demo"
	passwords, err := auth.NewPasswords(argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}, 1)
	require.NoError(t, err)
	cfg.PasswordHash, err = passwords.Hash(t.Context(), password)
	require.NoError(t, err)
	cfg.Until = time.Now()
	summary, err := Run(t.Context(), s.DB.Pool(), cfg)
	require.NoError(t, err)
	n := summary.Newsroom
	require.Equal(t, "editor@example.com", n.Email)

	signIn := func(email string) string {
		_, body := s.Do("POST", "/users/login", `{"user":{"email":"`+email+`","password":"`+password+`"}}`)
		var signedIn struct{ User struct{ Token string } }
		require.NoError(t, json.Unmarshal([]byte(body), &signedIn))
		require.NotEmpty(t, signedIn.User.Token, body)
		return signedIn.User.Token
	}
	editor, author, stranger := signIn(n.Email), signIn(summary.Email), ""
	status := func(token, path string) int {
		var header []string
		if token != "" {
			header = []string{"Authorization", "Token " + token}
		}
		res, _ := s.Do("GET", path, "", header...)
		return res.StatusCode
	}
	// get reads the first page of a list, or another response.
	get := func(t *testing.T, token, path string, to any) {
		t.Helper()
		var header []string
		if token != "" {
			header = []string{"Authorization", "Token " + token}
		}
		res, body := s.Do("GET", path, "", header...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		require.NoError(t, json.Unmarshal([]byte(body), to))
	}
	type article struct {
		Slug, Title string
		Status      string
		PublishedAt *time.Time
		Author      struct{ Username string }
	}
	type articles struct {
		Articles      []article
		ArticlesCount int
	}

	t.Run("EditorsSeeWhatIsNotPublic", func(t *testing.T) {
		for state, count := range map[string]int{draft: n.Drafts, review: n.InReview, scheduled: n.Scheduled} {
			var list articles
			get(t, editor, "/editorial/articles?limit=100&status="+state, &list)
			slugs := make(map[string]bool)
			for _, a := range list.Articles {
				if a.Status == state {
					slugs[a.Slug] = true
				}
			}
			require.Len(t, slugs, count, state)
			require.NotZero(t, count)
			for slug := range slugs {
				require.Equal(t, http.StatusOK, status(editor, "/articles/"+slug), slug)
				require.Equal(t, http.StatusNotFound, status(stranger, "/articles/"+slug), slug)
			}
		}
		var list articles
		get(t, stranger, "/articles", &list)
		require.Equal(t, cfg.Articles+n.Articles-n.Drafts-n.InReview-n.Scheduled, list.ArticlesCount)
	})

	t.Run("AuthorsHaveDrafts", func(t *testing.T) {
		var list articles
		get(t, author, "/user/articles", &list)
		seen := make(map[string]bool)
		for _, a := range list.Articles {
			require.Equal(t, summary.Username, a.Author.Username)
			seen[a.Status] = true
		}
		require.Equal(t, map[string]bool{draft: true, review: true, scheduled: true, published: true}, seen)
	})

	t.Run("Revisions", func(t *testing.T) {
		var list struct {
			Revisions []struct {
				Number    int
				Title     string
				Published bool
				Author    struct{ Username string }
			}
		}
		get(t, editor, "/articles/a-letter-from-the-reading-room/revisions", &list)
		require.Len(t, list.Revisions, 6, "five of the article and one of its working copy")
		first, last := list.Revisions[5], list.Revisions[1]
		require.Equal(t, "Notes from the reading room", first.Title)
		require.Equal(t, "A letter from the reading room", last.Title)
		require.True(t, last.Published)
		require.False(t, first.Published)
		require.NotEqual(t, first.Author, last.Author)
		res, diff := s.Do("GET", "/articles/a-letter-from-the-reading-room/revisions/4/diff?against=3", "", "Authorization", "Token "+editor)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, diff, "+The reading room opens at nine.")
		require.Contains(t, diff, "In thirteen years")

		var public, copied struct{ Article struct{ Body string } }
		get(t, stranger, "/articles/breakfast-in-the-dining-car", &public)
		get(t, editor, "/articles/breakfast-in-the-dining-car/working-copy", &copied)
		require.True(t, strings.HasPrefix(copied.Article.Body, public.Article.Body))
		require.NotEqual(t, public, copied)
	})

	t.Run("Corrections", func(t *testing.T) {
		slugs := value[[]string](t, s.DB.Pool(), `SELECT array_agg(slug) FROM articles WHERE id <= $1 AND revision > 1`, cfg.Articles)
		require.Len(t, slugs, 2*len(corrections))
		for _, slug := range slugs {
			res, diff := s.Do("GET", "/articles/"+slug+"/revisions/2/diff?against=1", "", "Authorization", "Token "+editor)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Regexp(t, `\n\+\*(Correction|Update|Clarification): [^{}]+\*\n$`, diff)
			require.NotContains(t, diff, "\n-", "a correction is added to the text")
		}
	})

	t.Run("Series", func(t *testing.T) {
		type series struct {
			Series struct {
				Articles []struct {
					Title    string
					Position int
				}
			}
		}
		titles := func(token string) (out []string) {
			var s series
			get(t, token, "/series/keeping-a-small-database-fast", &s)
			for i, a := range s.Series.Articles {
				require.Equal(t, i+1, a.Position)
				out = append(out, a.Title)
			}
			return out
		}
		parts := []string{"Measure before you index", "An index is a promise", "What the planner knows", "When to stop tuning"}
		require.Equal(t, parts[:3], titles(stranger), "the last part is scheduled")
		require.Equal(t, parts, titles(editor))
	})

	t.Run("Translations", func(t *testing.T) {
		var one struct {
			Article struct {
				Translations []struct{ Language, Slug string }
			}
		}
		get(t, stranger, "/articles/brief-aus-dem-lesesaal", &one)
		require.Len(t, one.Article.Translations, 2)
	})

	t.Run("Threads", func(t *testing.T) {
		for _, thread := range threads {
			var list struct {
				Comments []struct {
					ID       int
					ParentID *int
					Body     string
					Author   struct{ Username string }
				}
			}
			get(t, stranger, "/articles/"+slug(thread.title, "")+"/comments", &list)
			require.Len(t, list.Comments, len(thread.lines), thread.title)
			ids, at := make(map[string]int), make(map[string]*int)
			for _, c := range list.Comments {
				ids[c.Body], at[c.Body] = c.ID, c.ParentID
			}
			for _, l := range thread.lines {
				require.Contains(t, ids, l.text)
				if l.answers == 0 {
					require.Nil(t, at[l.text])
				} else {
					require.Equal(t, ids[thread.lines[l.answers-1].text], *at[l.text])
				}
			}
		}
		require.Equal(t, 8, value[int](t, s.DB.Pool(), `SELECT max(depth) FROM comments`), "the deepest reply that is possible")
	})

	t.Run("Reports", func(t *testing.T) {
		total := 0
		for _, decided := range []string{"open", "decided"} {
			var list struct {
				Reports []struct {
					Kind     string
					Reports  []struct{ Reason, Reporter string }
					Decision *struct{ Action, DecidedBy string }
				}
			}
			get(t, editor, "/moderation/reports?status="+decided, &list)
			require.NotEmpty(t, list.Reports)
			total += len(list.Reports)
			for _, r := range list.Reports {
				require.NotEmpty(t, r.Reports)
				require.Equal(t, decided == "decided", r.Decision != nil)
			}
		}
		require.Equal(t, n.Reports, total)
		require.Equal(t, http.StatusForbidden, status(author, "/moderation/reports"))
		var hidden struct{ Hidden []struct{ Kind string } }
		get(t, editor, "/moderation/hidden", &hidden)
		require.Len(t, hidden.Hidden, 1)
		var blocks struct{ Blocks []struct{ Username string } }
		get(t, author, "/user/blocks", &blocks)
		require.Len(t, blocks.Blocks, 1)
	})

	t.Run("Tags", func(t *testing.T) {
		var one struct{ Tag struct{ Description string } }
		get(t, stranger, "/tags/go", &one)
		require.Equal(t, tagDescriptions[0], one.Tag.Description)
	})

	// The time of a scheduled article comes: its job was inserted.
	t.Run("ScheduledArticlesBecomePublic", func(t *testing.T) {
		var own articles
		get(t, author, "/user/articles?status=scheduled", &own)
		require.NotEmpty(t, own.Articles)
		slug := own.Articles[len(own.Articles)-1].Slug
		err := pgx.BeginFunc(t.Context(), s.DB.Pool(), func(tx pgx.Tx) error {
			// A change of the time by a user would delete the job.
			_, err := tx.Exec(t.Context(), `ALTER TABLE articles DISABLE TRIGGER articles_update_jobs`)
			if err != nil {
				return err
			}
			var id int64
			if err := tx.QueryRow(t.Context(), `UPDATE articles SET published_at = now() WHERE slug = $1 RETURNING id`, slug).Scan(&id); err != nil {
				return err
			}
			jobs, err := tx.Exec(t.Context(), `UPDATE river_job SET scheduled_at = now() - interval '1 second' WHERE kind = 'publication_due' AND args = jsonb_build_object('articleId', $1::bigint)`, id)
			if err != nil {
				return err
			}
			require.Positive(t, jobs.RowsAffected())
			_, err = tx.Exec(t.Context(), `ALTER TABLE articles ENABLE TRIGGER articles_update_jobs`)
			return err
		})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return status(stranger, "/articles/"+slug) == http.StatusOK }, 20*time.Second, 100*time.Millisecond)
	})

	requireCounters(t, s.DB.Pool())
}

// TestNewsroomTexts checks what the texts of the newsroom must agree on.
func TestNewsroomTexts(t *testing.T) {
	t.Parallel()
	titles, last := make(map[string]piece), 1e9
	for _, p := range pieces {
		require.LessOrEqual(t, p.written, last, "%s is not in order", p.title)
		last = p.written
		now := text{piece: &p, title: p.title, description: p.description, body: p.body}
		day := p.written
		for _, e := range p.edits {
			next := now.apply(e)
			require.NotEqual(t, now, next, "%s: %q changes nothing", p.title, e.from)
			require.Less(t, e.day, day, "%s: %q is not in order", p.title, e.from)
			now, day = next, e.day
		}
		require.NotContains(t, titles, now.title)
		titles[now.title] = p
		require.Equal(t, p.series > 0, p.part > 0)
		switch p.status {
		case published:
			require.True(t, p.published > 0 && p.published <= p.written, p.title)
		case scheduled:
			require.Negative(t, p.published, p.title)
		}
	}
	for _, thread := range threads {
		require.Equal(t, published, titles[thread.title].status, thread.title)
		for i, l := range thread.lines {
			require.LessOrEqual(t, l.answers, i, l.text)
		}
	}
	for _, c := range workingCopies {
		require.Equal(t, published, titles[c.title].status, c.title)
	}
	for remark := range answers {
		require.Contains(t, remarks, remark)
	}
}
