package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server/servertest"
)

// schedule creates a scheduled article.
func schedule(s *servertest.Service, by servertest.User, title string, at time.Time) (int, string) {
	res, body := s.Do("POST", "/articles", fmt.Sprintf(`{"article":{"title":%q,"description":"d","body":"b","status":"scheduled","publishedAt":%q}}`,
		title, at.UTC().Format(time.RFC3339Nano)), signed(by)...)
	return res.StatusCode, body
}

// TestScheduleMaximum checks that an author cannot make so much due in one
// second that the articles of others are late.
func TestScheduleMaximum(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	at := time.Now().Add(24 * time.Hour)
	jobs := func() int {
		return count(t, s, `SELECT count(*) FROM river_job WHERE kind = 'publication_due'`)
	}

	t.Run("Articles", func(t *testing.T) {
		s := s.For(t)
		jake := s.Register("jake")
		before := jobs()
		change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, status, published_at, hidden)
			SELECT 'waiting-' || n, u.id, 't', 'd', 'b', 'scheduled', $1, true FROM users u, generate_series(1, 90) n WHERE u.username = 'jake'`, at)
		later := fmt.Sprintf(`{"publishAt":%q}`, at.Add(time.Hour).UTC().Format(time.RFC3339))
		drafts := make([]string, 20)
		for i := range drafts {
			drafts[i] = newDraft(t, jake, fmt.Sprintf("Flood %d", i))
		}
		var all sync.WaitGroup
		statuses := map[int]int{}
		var mu sync.Mutex
		for _, slug := range drafts {
			all.Go(func() {
				res, _ := s.Do("POST", "/articles/"+slug+"/publish", later, signed(jake)...)
				mu.Lock()
				defer mu.Unlock()
				statuses[res.StatusCode]++
			})
		}
		all.Wait()
		require.Equal(t, map[int]int{200: 10, 422: 10}, statuses)
		require.Equal(t, before+2*10, jobs())
		status, body := schedule(s, jake, "One more", at)
		requireProblem(t, 422, problem.ValidationFailed, oneField("schedule", "maximum of 100 scheduled articles reached"), status, body)

		// What is scheduled already gets another time, and a draft gets none.
		scheduled, waiting := "", ""
		require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT min(slug) FILTER (WHERE status = 'scheduled'), min(slug) FILTER (WHERE status = 'draft')
			FROM articles WHERE slug LIKE 'flood-%'`).Scan(&scheduled, &waiting))
		for path, want := range map[string]int{scheduled: 200, waiting: 422} {
			res, body := s.Do("POST", "/articles/"+path+"/publish", later, signed(jake)...)
			require.Equal(t, want, res.StatusCode, body)
		}
		res, body := s.Do("POST", "/articles/"+waiting+"/publish", "", signed(jake)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)

		// Others are not concerned, and a withdrawn article makes room.
		status, body = schedule(s, s.Register(""), "Of somebody else", at)
		require.Equal(t, http.StatusCreated, status, body)
		res, body = s.Do("POST", "/articles/"+scheduled+"/unpublish", "", signed(jake)...)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		status, body = schedule(s, jake, "One more", at)
		require.Equal(t, http.StatusCreated, status, body)

		// Nor does an editor get around it, in the name of the author.
		ed := withRole(s, "ed", auth.Editor)
		res, body = s.Do("POST", "/articles", fmt.Sprintf(`{"article":{"title":"t","description":"d","body":"b","author":"jake","status":"scheduled","publishedAt":%q}}`,
			at.UTC().Format(time.RFC3339)), signed(ed)...)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, body)
	})

	t.Run("Ends", func(t *testing.T) {
		s := s.For(t)
		jake := s.Register("")
		change(t, s, `INSERT INTO articles (slug, author_id, title, description, body, unpublish_at)
			SELECT u.username || n, u.id, 't', 'd', 'b', $1 FROM users u, generate_series(1, 999) n WHERE u.username = $2`, at, jake.Username)
		for i, want := range []int{200, 422} {
			slug := s.Publish(jake, fmt.Sprintf("Ends %d", i)).Slug
			res, body := s.Do("POST", "/articles/"+slug+"/publish", fmt.Sprintf(`{"unpublishAt":%q}`, at.UTC().Format(time.RFC3339)), signed(jake)...)
			require.Equal(t, want, res.StatusCode, body)
		}
	})

	t.Run("Jobs", func(t *testing.T) {
		s := s.For(t)
		jake := s.Register("")
		before := jobs()
		status, body := schedule(s, jake, "Again and again", at)
		require.Equal(t, http.StatusCreated, status, body)
		step := func(path, body string) {
			t.Helper()
			res, text := s.Do("POST", "/articles/again-and-again"+path, body, signed(jake)...)
			require.Equal(t, http.StatusOK, res.StatusCode, text)
		}
		for i := range 5 {
			step("/publish", fmt.Sprintf(`{"publishAt":%q,"unpublishAt":%q}`, at.Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339), at.Add(time.Hour).UTC().Format(time.RFC3339)))
		}
		require.Equal(t, before+2*2, jobs(), "two for each time of the article")
		step("/unpublish", "")
		require.Equal(t, before, jobs())
		step("/publish", fmt.Sprintf(`{"publishAt":%q}`, at.UTC().Format(time.RFC3339)))
		step("/publish", "")
		require.Equal(t, before, jobs())
		status, body = schedule(s, jake, "Deleted", at)
		require.Equal(t, http.StatusCreated, status, body)
		res, body := s.Do("DELETE", "/articles/deleted", "", signed(jake)...)
		require.Equal(t, http.StatusNoContent, res.StatusCode, body)
		require.Equal(t, before, jobs())
	})
}

// TestPublishAtOnce checks that authors who publish articles with the same
// title at the same time each get their own.
func TestPublishAtOnce(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, ann := s.Register("jake"), s.Register("ann")
	for i := range 10 {
		title := fmt.Sprintf("The same title %d", i)
		var all sync.WaitGroup
		for _, author := range []servertest.User{jake, ann} {
			slug := writeDraft(t, author, title, "by "+author.Username)
			all.Go(func() {
				res, body := s.Do("POST", "/articles/"+slug+"/publish", "", signed(author)...)
				if res.StatusCode == http.StatusOK { // else the other one was first, and the draft has another slug
					assert.Contains(t, body, `"body":"by `+author.Username+`"`)
				}
			})
		}
		all.Wait()
	}
}
