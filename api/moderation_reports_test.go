package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// report reports something, which has to succeed.
func report(t *testing.T, by servertest.User, kind client.ReportKind, id, reason string) client.Report {
	t.Helper()
	res := responseOf(by.CreateReportWithResponse(t.Context(), nil, client.NewReportRequest{Kind: kind, Id: id, Reason: reason}))
	require.Equal(t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return res.JSON201.Report
}

// reportsOf returns the first page of what was reported.
func reportsOf(t *testing.T, moderator servertest.User, status client.GetReportsParamsStatus) []client.ReportedItem {
	t.Helper()
	res := responseOf(moderator.GetReportsWithResponse(t.Context(), &client.GetReportsParams{Status: &status}))
	require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
	return res.JSON200.Reports
}

// decide decides what was reported.
func decide(t *testing.T, by servertest.User, id int64, action client.ReportAction, note string) *client.DecideReportResponse {
	t.Helper()
	in := client.DecideReportRequest{Action: action}
	if note != "" {
		in.Note = &note
	}
	return responseOf(by.DecideReportWithResponse(t.Context(), id, in))
}

func TestCreateReport(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, mia := s.Register("jake"), s.Register("anna"), withRole(s, "mia", auth.Moderator)
	article := s.Publish(jake, "Advertising")
	comment := commentOn(t, jake, article.Slug, "Buy my dragons")

	t.Run("Success", func(t *testing.T) {
		s := s.For(t)
		for kind, id := range map[client.ReportKind]string{
			client.ReportedArticle: article.Slug, client.ReportedComment: strconv.FormatInt(comment.Id, 10), client.ReportedProfile: "jake",
		} {
			got := report(t, anna, kind, id, "Advertising "+id)
			require.Equal(t, client.Report{Kind: kind, Id: id, Reason: "Advertising " + id, CreatedAt: got.CreatedAt}, got)
		}
		items := map[client.ReportKind]client.ReportedItem{}
		for _, item := range reportsOf(t, mia, client.GetReportsParamsStatusOpen) {
			items[item.Kind] = item
			require.Equal(t, "jake", item.Author)
			require.EqualValues(t, 1, item.ReportsCount)
			require.Len(t, item.Reports, 1)
			require.Equal(t, "anna", item.Reports[0].Reporter)
			require.True(t, item.Decision.IsNull())
		}
		require.Len(t, items, 3)
		for _, kind := range []client.ReportKind{client.ReportedArticle, client.ReportedComment} {
			require.Equal(t, article.Slug, items[kind].Slug.MustGet())
			require.Equal(t, "Advertising", items[kind].Title.MustGet())
		}
		require.Equal(t, "Buy my dragons", items[client.ReportedComment].Excerpt.MustGet())
		require.Equal(t, comment.Id, items[client.ReportedComment].CommentId.MustGet())
		require.True(t, items[client.ReportedProfile].Slug.IsNull())
		require.True(t, items[client.ReportedProfile].Excerpt.IsNull())
		// The number of a comment may be a number, as in responses.
		res, body := s.Do("POST", "/reports", fmt.Sprintf(`{"kind":"comment","id":%d,"reason":"Again"}`, comment.Id), signed(anna)...)
		require.Equal(t, http.StatusCreated, res.StatusCode, body)
		require.Contains(t, body, fmt.Sprintf(`"id":"%d"`, comment.Id))
		// Only moderators see reports: not the author, not in public.
		for _, header := range [][]string{nil, signed(jake), signed(anna)} {
			for _, path := range []string{"/articles/" + article.Slug, "/articles/" + article.Slug + "/comments", "/profiles/jake", "/user/export"} {
				if res, body := s.Do("GET", path, "", header...); header == nil || header[1] != "Token "+anna.Token {
					require.NotContains(t, body, "Advertising "+article.Slug, "%s %d", path, res.StatusCode)
				}
			}
		}
		_, export := s.Do("GET", "/user/export", "", signed(anna)...)
		byType, _ := records(t, export)
		require.Len(t, byType["report"], 3)
	})
	t.Run("Repeated", func(t *testing.T) {
		s := s.For(t)
		other := s.Publish(jake, "Reported twice")
		first := report(t, anna, client.ReportedArticle, other.Slug, "First")
		require.Equal(t, first, report(t, anna, client.ReportedArticle, other.Slug, "Second"))
		got := atOnce(t, 8, func(int) (int, error) {
			res, err := mia.CreateReportWithResponse(t.Context(), nil, client.NewReportRequest{Kind: client.ReportedArticle, Id: other.Slug, Reason: "At once"})
			return res.StatusCode(), err
		})
		require.Equal(t, map[int]int{http.StatusCreated: 8}, got)
		item := reportsOf(t, mia, client.GetReportsParamsStatusOpen)[0]
		require.EqualValues(t, 2, item.ReportsCount)
		require.Equal(t, []string{"mia At once", "anna First"}, []string{item.Reports[0].Reporter + " " + item.Reports[0].Reason, item.Reports[1].Reporter + " " + item.Reports[1].Reason})
		key := &client.CreateReportParams{IdempotencyKey: ptrTo("k")}
		in := client.NewReportRequest{Kind: client.ReportedProfile, Id: "mia", Reason: "r"}
		for i := range 2 {
			res := responseOf(anna.CreateReportWithResponse(t.Context(), key, in))
			require.Equal(t, http.StatusCreated, res.StatusCode())
			require.Equal(t, i == 1, res.HTTPResponse.Header.Get("Idempotency-Replayed") == "true")
		}
	})
	t.Run("Invalid", func(t *testing.T) {
		s := s.For(t)
		for body, fields := range map[string]problem.Fields{
			`{}`: {"kind": {"can't be blank"}, "id": {"can't be blank"}, "reason": {"can't be blank"}},
			`{"kind":"user","id":"jake","reason":"r"}`:     oneField("kind", "must be one of article, comment, profile"),
			`{"kind":"article","id":"","reason":"r"}`:      oneField("id", "can't be blank"),
			`{"kind":"article","id":true,"reason":"r"}`:    oneField("id", "must be a string"),
			`{"kind":"article","id":null,"reason":"r"}`:    oneField("id", "can't be blank"),
			`{"kind":"comment","id":"x","reason":"r"}`:     oneField("id", "must be the number of a comment"),
			`{"kind":"comment","id":1e3,"reason":"r"}`:     oneField("id", "must be the number of a comment"),
			`{"kind":"comment","id":1,"reason":" "}`:       oneField("reason", "can't be blank"),
			`{"kind":"profile","id":"anna","reason":"me"}`: oneField("id", "can't be your own"),
		} {
			res, text := s.Do("POST", "/reports", body, signed(anna)...)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, body)
			for field := range fields {
				require.Contains(t, text, `"`+field+`":[`, "%s: %s", body, text)
			}
		}
	})
	t.Run("NotVisible", func(t *testing.T) {
		s := s.For(t)
		hidden, commented := s.Publish(jake, "Hidden"), s.Publish(jake, "Commented")
		onHidden, concealed := commentOn(t, jake, hidden.Slug, "there"), commentOn(t, jake, commented.Slug, "concealed")
		hide(t, mia, hidden.Slug, "r")
		responseOf(mia.HideCommentWithResponse(t.Context(), commented.Slug, concealed.Id, client.HideRequest{Reason: "r"}))
		draft := responseOf(jake.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
			Title: "A draft", Description: "d", Body: "b", Status: ptrTo(client.StatusDraft),
		}})).JSON201.Article
		for _, c := range []struct {
			kind        client.ReportKind
			id, missing string
		}{
			{client.ReportedArticle, hidden.Slug, "none"}, {client.ReportedArticle, draft.Slug, "none"},
			{client.ReportedComment, fmt.Sprint(onHidden.Id), "9007199254740991"}, {client.ReportedComment, fmt.Sprint(concealed.Id), "9007199254740991"},
			{client.ReportedProfile, "nobody", "nobody"},
		} {
			var bodies []string
			for _, id := range []string{c.id, c.missing} {
				res, body := s.Do("POST", "/reports", fmt.Sprintf(`{"kind":%q,"id":%q,"reason":"r"}`, c.kind, id), signed(anna)...)
				requireProblem(t, 404, problem.NotFoundCode, oneField(string(c.kind), "not found"), res.StatusCode, body)
				before, after, _ := strings.Cut(body, `"requestId":"`)
				bodies = append(bodies, before+after[26:])
			}
			require.Equal(t, bodies[0], bodies[1])
		}
		require.Equal(t, 0, count(t, s, `SELECT count(*) FROM reported_items i JOIN articles a ON i.kind = 'article' AND a.id = i.subject_id WHERE a.hidden`))
	})
	t.Run("Maximum", func(t *testing.T) {
		s := s.For(t)
		busy := s.Register("busy")
		change(t, s, `WITH u AS (INSERT INTO users (username, email, password_hash) SELECT 'x' || n, 'x' || n || '@example.com', '' FROM generate_series(1, 99) n RETURNING id),
			i AS (INSERT INTO reported_items (kind, subject_id, author_id) SELECT 'profile', id, id FROM u RETURNING id)
			INSERT INTO reports (item_id, reporter_id, reason) SELECT i.id, b.id, 'r' FROM i, users b WHERE b.username = $1`, busy.Username)
		var targets []string
		for i := range 6 {
			targets = append(targets, s.Publish(jake, fmt.Sprintf("Reported %d", i)).Slug)
		}
		got := atOnce(t, 6, func(i int) (int, error) {
			res, err := busy.CreateReportWithResponse(t.Context(), nil, client.NewReportRequest{Kind: client.ReportedArticle, Id: targets[i], Reason: "r"})
			return res.StatusCode(), err
		})
		require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusUnprocessableEntity: 5}, got)
		res := responseOf(busy.CreateReportWithResponse(t.Context(), nil, client.NewReportRequest{Kind: client.ReportedProfile, Id: "mia", Reason: "r"}))
		requireProblem(t, 422, problem.ValidationFailed, oneField("report", "maximum of 100 open reports reached"), res.StatusCode(), string(res.Body))
		report(t, busy, client.ReportedProfile, "x1", "again: the same report")
		// A decision makes room for another report.
		item := count(t, s, `SELECT i.id FROM reported_items i JOIN users u ON u.id = i.author_id WHERE u.username = 'x2'`)
		require.Equal(t, http.StatusOK, decide(t, mia, int64(item), client.DismissReport, "").StatusCode())
		report(t, busy, client.ReportedProfile, "mia", "r")
	})
	t.Run("Statements", func(t *testing.T) {
		s := s.For(t)
		slug := s.Publish(jake, "Counted").Slug
		s.Statements.Reset()
		report(t, anna, client.ReportedArticle, slug, "r")
		n, statements := s.Statements.Reset()
		require.EqualValues(t, 3, n, "with the check for changes after a write: %v", statements)
		reportsOf(t, mia, client.GetReportsParamsStatusOpen)
		s.Statements.Reset()
		require.NotEmpty(t, reportsOf(t, mia, client.GetReportsParamsStatusOpen))
		n, statements = s.Statements.Reset()
		require.EqualValues(t, 2, n, statements)
	})
}

func TestDecideReport(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna := s.Register("jake"), s.Register("anna")
	mia, max := withRole(s, "mia", auth.Moderator), withRole(s, "max", auth.Moderator)
	edith, root := withRole(s, "edith", auth.Editor), withRole(s, "root", auth.Admin)
	// reported returns something that anna and another user have reported.
	reported := func(t *testing.T, kind client.ReportKind, id string) int64 {
		t.Helper()
		report(t, anna, kind, id, "Advertising")
		report(t, s.Register(""), kind, id, "Advertising too")
		return reportsOf(t, mia, client.GetReportsParamsStatusOpen)[0].Id
	}
	actions := func(t *testing.T, after int) (list []string) {
		t.Helper()
		entries := responseOf(root.GetAuditLogWithResponse(t.Context(), nil)).JSON200.Entries
		for _, e := range entries {
			if e.Id > int64(after) {
				list = append([]string{string(e.Action)}, list...)
			}
		}
		return list
	}
	newest := func() int { return count(t, s, `SELECT COALESCE(max(id), 0) FROM audit_log`) }

	t.Run("Dismiss", func(t *testing.T) {
		slug := s.Publish(jake, "Fine").Slug
		id, before := reported(t, client.ReportedArticle, slug), newest()
		res := decide(t, mia, id, client.DismissReport, "")
		require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
		got := res.JSON200.Report
		require.EqualValues(t, 2, got.ReportsCount)
		decision := got.Decision.MustGet()
		require.Equal(t, client.DismissReport, decision.Action)
		require.Equal(t, "mia", decision.DecidedBy.MustGet())
		require.Equal(t, []string{"report.decided"}, actions(t, before))
		require.Equal(t, http.StatusOK, responseOf(s.Anonymous.GetArticleWithResponse(t.Context(), slug, nil)).StatusCode())
		require.Empty(t, reportsOf(t, mia, client.GetReportsParamsStatusOpen), "all reports of it are decided")
		require.Equal(t, got, reportsOf(t, mia, client.GetReportsParamsStatusDecided)[0])
		// The same again changes nothing; what another moderator wants comes too
		// late, and so does another decision of the same moderator.
		require.Equal(t, http.StatusOK, decide(t, mia, id, client.DismissReport, "").StatusCode())
		for _, late := range []*client.DecideReportResponse{
			decide(t, max, id, client.DismissReport, ""), decide(t, max, id, client.HideReported, "r"),
			decide(t, mia, id, client.HideReported, "r"), decide(t, mia, id, client.DismissReport, "r"),
		} {
			requireProblem(t, 409, problem.AlreadyDecided, oneField("report", "has already been decided"), late.StatusCode(), string(late.Body))
		}
		require.Equal(t, []string{"report.decided"}, actions(t, before))
		// It can be reported again, which is something new.
		require.NotEqual(t, id, reported(t, client.ReportedArticle, slug))
		require.Len(t, reportsOf(t, mia, client.GetReportsParamsStatusOpen), 1)
	})
	t.Run("Hide", func(t *testing.T) {
		article := s.Publish(jake, "Advertising")
		comment := commentOn(t, jake, article.Slug, "Buy")
		before := newest()
		id := reported(t, client.ReportedComment, fmt.Sprint(comment.Id))
		require.Equal(t, http.StatusOK, decide(t, mia, id, client.HideReported, "Spam").StatusCode())
		require.Empty(t, responseOf(anna.GetArticleCommentsWithResponse(t.Context(), article.Slug, nil)).JSON200.Comments)
		own := responseOf(jake.GetArticleCommentsWithResponse(t.Context(), article.Slug, nil)).JSON200.Comments
		require.Equal(t, "Spam", own[0].Hidden.Reason)
		id = reported(t, client.ReportedArticle, article.Slug)
		require.Equal(t, http.StatusOK, decide(t, max, id, client.HideReported, "Spam").StatusCode())
		require.Equal(t, http.StatusNotFound, responseOf(anna.GetArticleWithResponse(t.Context(), article.Slug, nil)).StatusCode())
		require.Equal(t, []string{"report.decided", "comment.hidden", "report.decided", "article.hidden"}, actions(t, before))
		require.Len(t, responseOf(mia.GetHiddenWithResponse(t.Context(), nil)).JSON200.Hidden, 2)
		requireCounters(t, s)
	})
	t.Run("Delete", func(t *testing.T) {
		article := s.Publish(jake, "Illegal")
		comment := commentOn(t, anna, article.Slug, "Illegal too")
		report(t, jake, client.ReportedComment, fmt.Sprint(comment.Id), "r")
		onComment := reportsOf(t, mia, client.GetReportsParamsStatusOpen)[0].Id
		onArticle, before := reported(t, client.ReportedArticle, article.Slug), newest()
		for _, id := range []int64{onComment, onArticle} {
			res := decide(t, mia, id, client.DeleteReported, "r")
			requireProblem(t, 403, problem.RoleInsufficient, oneField("role", "requires the role editor or higher"), res.StatusCode(), string(res.Body))
			res = decide(t, edith, id, client.DeleteReported, "r")
			require.Equal(t, http.StatusOK, res.StatusCode(), string(res.Body))
			require.True(t, res.JSON200.Report.Slug.IsNull() && res.JSON200.Report.Excerpt.IsNull())
		}
		require.Equal(t, []string{"report.decided", "comment.deleted", "report.decided", "article.deleted"}, actions(t, before))
		require.Equal(t, http.StatusNotFound, responseOf(jake.GetArticleWithResponse(t.Context(), article.Slug, nil)).StatusCode())
		requireCounters(t, s)
		late := decide(t, mia, onArticle, client.DismissReport, "")
		require.Equal(t, http.StatusConflict, late.StatusCode(), "also after it was deleted")
	})
	t.Run("Suspend", func(t *testing.T) {
		bad := s.Register("bad")
		id, before := reported(t, client.ReportedProfile, "bad"), newest()
		for _, u := range []servertest.User{mia, edith} {
			res := decide(t, u, id, client.SuspendReported, "r")
			requireProblem(t, 403, problem.RoleInsufficient, oneField("role", "requires the role admin or higher"), res.StatusCode(), string(res.Body))
		}
		for _, action := range []client.ReportAction{client.HideReported, client.DeleteReported} {
			res := decide(t, edith, id, action, "r")
			requireProblem(t, 422, problem.ValidationFailed, oneField("action", "must be dismiss or suspend for a profile"), res.StatusCode(), string(res.Body))
		}
		require.Equal(t, http.StatusOK, responseOf(bad.GetCurrentUserWithResponse(t.Context(), nil)).StatusCode())
		require.Equal(t, http.StatusOK, decide(t, root, id, client.SuspendReported, "Spam").StatusCode())
		require.Equal(t, http.StatusUnauthorized, responseOf(bad.GetCurrentUserWithResponse(t.Context(), nil)).StatusCode())
		require.Equal(t, []string{"report.decided", "user.suspended"}, actions(t, before))
		id = reported(t, client.ReportedProfile, "root")
		res := decide(t, root, id, client.SuspendReported, "r")
		requireProblem(t, 422, problem.ValidationFailed, oneField("action", "can't suspend yourself"), res.StatusCode(), string(res.Body))
	})
	t.Run("Note", func(t *testing.T) {
		id := reported(t, client.ReportedArticle, s.Publish(jake, "Noted").Slug)
		for _, action := range []client.ReportAction{client.HideReported, client.DeleteReported, client.SuspendReported} {
			res := decide(t, root, id, action, "")
			requireProblem(t, 422, problem.ValidationFailed, oneField("note", problem.Blank), res.StatusCode(), string(res.Body))
			if action != client.HideReported { // 403 comes before 422
				require.Equal(t, http.StatusForbidden, decide(t, mia, id, action, "").StatusCode())
			}
		}
	})
	t.Run("AtOnce", func(t *testing.T) {
		id, before := reported(t, client.ReportedArticle, s.Publish(jake, "Contested").Slug), newest()
		moderators := []servertest.User{mia, max, edith, root}
		got := atOnce(t, len(moderators), func(i int) (int, error) {
			action := client.DeleteReported
			if i%2 == 0 {
				action = client.HideReported
			}
			if i < 2 {
				action = client.HideReported
			}
			res, err := moderators[i].DecideReportWithResponse(t.Context(), id, client.DecideReportRequest{Action: action, Note: ptrTo("by " + moderators[i].Username)})
			return res.StatusCode(), err
		})
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 3}, got)
		require.Len(t, actions(t, before), 2)
	})
}
