package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server/servertest"
)

// TestReportsOfDeleted checks what becomes of a report when what it is about is
// deleted, or the account of the author, of the reporter or of the moderator.
func TestReportsOfDeleted(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	jake, anna, carl := s.Register("jake"), s.Register("anna"), s.Register("carl")
	mia, root := withRole(s, "mia", auth.Moderator), withRole(s, "root", auth.Admin)
	article := s.Publish(jake, "Advertising")
	comment := commentOn(t, jake, article.Slug, "Buy")
	for _, u := range []servertest.User{anna, carl} {
		report(t, u, client.ReportedArticle, article.Slug, "by "+u.Username)
	}
	report(t, carl, client.ReportedComment, fmt.Sprint(comment.Id), "r")
	report(t, carl, client.ReportedProfile, "jake", "r")

	// What is no longer public shows moderators nothing of its text.
	require.Equal(t, 200, responseOf(jake.UnpublishArticleWithResponse(t.Context(), article.Slug, nil)).StatusCode())
	for _, item := range reportsOf(t, mia, client.GetReportsParamsStatusOpen) {
		require.True(t, item.Slug.IsNull() && item.Title.IsNull() && item.Excerpt.IsNull(), "%+v", item)
	}
	for _, item := range reportsOf(t, root, client.GetReportsParamsStatusOpen) {
		require.Equal(t, item.Kind == client.ReportedProfile, item.Slug.IsNull(), "admins see drafts")
	}
	// The author does not escape by deleting the text.
	require.Equal(t, 204, responseOf(jake.DeleteArticleWithResponse(t.Context(), article.Slug, nil)).StatusCode())
	open := reportsOf(t, mia, client.GetReportsParamsStatusOpen)
	require.Len(t, open, 3)
	for _, item := range open {
		require.Equal(t, "jake", item.Author)
		if item.Kind != client.ReportedProfile {
			res := decide(t, mia, item.Id, client.HideReported, "r")
			requireProblem(t, 422, problem.ValidationFailed, oneField("action", "can't be taken, because the "+string(item.Kind)+" no longer exists"), res.StatusCode(), string(res.Body))
		}
	}
	require.Equal(t, 200, decide(t, mia, open[1].Id, client.DismissReport, "It is gone").StatusCode())
	// The reports of an account go with it.
	leave(t, carl)
	open = reportsOf(t, mia, client.GetReportsParamsStatusOpen)
	require.Len(t, open, 1)
	require.EqualValues(t, 1, open[0].ReportsCount)
	require.Equal(t, "anna", open[0].Reports[0].Reporter)
	decided := reportsOf(t, mia, client.GetReportsParamsStatusDecided)
	require.Len(t, decided, 1)
	require.Zero(t, decided[0].ReportsCount)
	require.Empty(t, decided[0].Reports)
	// A decision stays when the moderator leaves.
	leave(t, mia)
	decided = reportsOf(t, root, client.GetReportsParamsStatusDecided)
	require.True(t, decided[0].Decision.MustGet().DecidedBy.IsNull())
	// What is about an account goes with it, and its reason in the audit log.
	leave(t, jake)
	require.Empty(t, reportsOf(t, root, client.GetReportsParamsStatusOpen))
	require.Zero(t, count(t, s, `SELECT count(*) FROM reported_items`)+count(t, s, `SELECT count(*) FROM reports`))
	require.Zero(t, count(t, s, `SELECT count(*) FROM audit_log WHERE reason IS NOT NULL`))
}

// leave deletes an account.
func leave(t *testing.T, u servertest.User) {
	t.Helper()
	res := responseOf(u.DeleteCurrentUserWithResponse(t.Context(), client.DeleteCurrentUserJSONRequestBody{User: client.DeleteUser{Password: servertest.Password}}))
	require.Equal(t, http.StatusNoContent, res.StatusCode(), string(res.Body))
}

// TestReportRaces reports and decides at the same time. Each report is in one
// item, and no item is decided twice.
func TestReportRaces(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	jake := s.Register("jake")
	slug := s.Publish(jake, "Contested").Slug
	moderators := []servertest.User{withRole(s, "mia", auth.Moderator), withRole(s, "max", auth.Moderator)}
	together(8, func(i int) error {
		for range 10 {
			if i < len(moderators) {
				for _, item := range responseOf(moderators[i].GetReportsWithResponse(t.Context(), nil)).JSON200.Reports {
					if res := decide(t, moderators[i], item.Id, client.DismissReport, ""); res.StatusCode() >= 500 {
						t.Errorf("%s", res.Body)
					}
				}
				continue
			}
			u := s.Register("")
			report(t, u, client.ReportedArticle, slug, "r")
			if i%2 == 0 {
				leave(t, u)
			}
		}
		return nil
	})
	require.Zero(t, count(t, s, `SELECT count(*) FROM reported_items i WHERE reports_count <> (SELECT count(*) FROM reports r WHERE r.item_id = i.id)`))
	require.LessOrEqual(t, count(t, s, `SELECT count(*) FROM reported_items WHERE decided_at IS NULL`), 1)
	require.Equal(t, 30, count(t, s, `SELECT count(*) FROM reports`))
	require.Equal(t, count(t, s, `SELECT count(*) FROM reported_items WHERE decided_at IS NOT NULL`), count(t, s, `SELECT count(*) FROM audit_log WHERE action = 'report.decided'`))
}
