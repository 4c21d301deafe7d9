package byline_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

// TestDiscussion runs the same steps as the tests of a discussion of the other
// SDKs: comments and their approval, reports and blocks.
func TestDiscussion(t *testing.T) {
	ctx, n := t.Context(), openNewsroom(t)
	author, editor := n.join(t, byline.RoleAuthor), n.join(t, byline.RoleEditor)
	moderator, reader := n.join(t, byline.RoleModerator), n.join(t, byline.RoleReader)
	slug := n.publish(t, author, editor, newArticle("Discussed "+n.id, n.id)).Slug
	says := func(t *testing.T, c *byline.Client, body string, parent int64) *byline.Comment {
		t.Helper()
		comment, err := c.Comments.Create(ctx, slug, byline.NewComment{Body: body, ParentID: parent})
		noError(t, err)
		return comment
	}
	reads := func(t *testing.T, c *byline.Client, params byline.CommentsListParams) []string {
		t.Helper()
		params.Limit = 1
		bodies := []string{}
		for comment, err := range c.Comments.ListAll(ctx, slug, &params) {
			noError(t, err)
			bodies = append(bodies, comment.Body)
		}
		return bodies
	}
	all := byline.CommentsListParams{Sort: byline.OldestFirst}
	var first *byline.Comment

	step(t, "the first comments of an account wait for approval", func(t *testing.T) {
		first = says(t, reader, "first", 0)
		equal(t, true, first.Waiting)
		second := says(t, reader, "second", 0)
		equal(t, []string{}, reads(t, n.visitor, all))
		equal(t, []string{"first", "second"}, reads(t, reader, all))
		var waiting []int64
		for comment, err := range moderator.Moderation.ListWaitingAll(ctx, &byline.ModerationListWaitingParams{Limit: 1}) {
			noError(t, err)
			if comment.Slug == slug {
				waiting = append(waiting, comment.ID)
			}
		}
		equal(t, []int64{first.ID, second.ID}, waiting)
		err := author.Moderation.ApproveComment(ctx, slug, first.ID)
		requireError(t, err, http.StatusForbidden, byline.CodeRoleInsufficient)
		noError(t, moderator.Moderation.ApproveComment(ctx, slug, first.ID))
		equal(t, []string{"first"}, reads(t, n.visitor, all))
		noError(t, reader.Comments.Delete(ctx, slug, second.ID))
		equal(t, false, says(t, reader, "third", 0).Waiting)
	})
	step(t, "replies", func(t *testing.T) {
		reply := says(t, editor, "reply", first.ID)
		equal(t, first.ID, *reply.ParentID)
		says(t, reader, "reply to the reply", reply.ID)
		equal(t, []string{"first", "third"}, reads(t, n.visitor, byline.CommentsListParams{ParentID: byline.Ptr[int64](0), Sort: byline.OldestFirst}))
		equal(t, []string{"reply"}, reads(t, n.visitor, byline.CommentsListParams{ParentID: &first.ID}))
		equal(t, []string{"reply to the reply", "reply", "third", "first"}, reads(t, n.visitor, byline.CommentsListParams{Sort: byline.NewestFirst}))
	})
	step(t, "edit", func(t *testing.T) {
		changed, err := reader.Comments.Update(ctx, slug, first.ID, byline.UpdateComment{Body: "first, edited"})
		noError(t, err)
		equal(t, true, changed.UpdatedAt.After(changed.CreatedAt))
		_, err = editor.Comments.Update(ctx, slug, first.ID, byline.UpdateComment{Body: "not mine"})
		requireError(t, err, http.StatusForbidden, byline.CodeForbidden)
	})
	step(t, "replies outlive a deleted comment", func(t *testing.T) {
		noError(t, reader.Comments.Delete(ctx, slug, first.ID))
		page, err := n.visitor.Comments.List(ctx, slug, &all)
		noError(t, err)
		equal(t, true, page.Items[0].Deleted)
		equal(t, "", page.Items[0].Author.Username)
		equal(t, []string{"", "third", "reply", "reply to the reply"}, reads(t, n.visitor, all))
	})
	step(t, "close and open", func(t *testing.T) {
		_, err := editor.Articles.Update(ctx, slug, byline.UpdateArticle{CommentsOpen: byline.Ptr(false)})
		noError(t, err)
		_, err = reader.Comments.Create(ctx, slug, byline.NewComment{Body: "too late"})
		requireError(t, err, http.StatusForbidden, byline.CodeCommentsClosed)
		opened, err := editor.Articles.Update(ctx, slug, byline.UpdateArticle{CommentsOpen: byline.Ptr(true)})
		noError(t, err)
		equal(t, true, opened.CommentsOpen)
	})
	// reported returns what moderators find about the article and its comments.
	reported := func(t *testing.T, status byline.ReportStatusFilter) []byline.ReportedItem {
		t.Helper()
		var items []byline.ReportedItem
		for item, err := range moderator.Moderation.ListReportsAll(ctx, &byline.ModerationListReportsParams{Status: status, Limit: 1}) {
			noError(t, err)
			if item.Slug != nil && *item.Slug == slug {
				items = append(items, item)
			}
		}
		return items
	}
	step(t, "a comment and an article are reported", func(t *testing.T) {
		spam := says(t, reader, "Buy now", 0)
		report := byline.NewReportRequest{Kind: byline.ReportedArticle, ID: slug, Reason: "Wrong"}
		_, err := author.Reports.Create(ctx, report) // their own
		requireError(t, err, http.StatusUnprocessableEntity, byline.CodeValidationFailed)
		_, err = reader.Reports.Create(ctx, report)
		noError(t, err)
		made, err := author.Reports.Create(ctx, byline.NewReportRequest{
			Kind: byline.ReportedComment, ID: strconv.FormatInt(spam.ID, 10), Reason: "Advertises",
		})
		noError(t, err)
		equal(t, "Advertises", made.Reason)
		items := reported(t, byline.Open)
		equal(t, 2, len(items))
		byKind := func(kind byline.ReportKind) byline.ReportedItem {
			return items[slices.IndexFunc(items, func(item byline.ReportedItem) bool { return item.Kind == kind })]
		}
		comment, article := byKind(byline.ReportedComment), byKind(byline.ReportedArticle)
		equal(t, []string{"Advertises", n.name("author")}, []string{comment.Reports[0].Reason, comment.Reports[0].Reporter})
		equal(t, spam.ID, *comment.CommentID)
		decision := byline.DecideReportRequest{Action: byline.HideReported, Note: "Advertising"}
		decided, err := moderator.Moderation.DecideReport(ctx, comment.ID, decision)
		noError(t, err)
		equal(t, []string{"hide", n.name("moderator")}, []string{string(decided.Decision.Action), *decided.Decision.DecidedBy})
		_, err = editor.Moderation.DecideReport(ctx, comment.ID, decision)
		requireError(t, err, http.StatusConflict, byline.CodeAlreadyDecided)
		_, err = moderator.Moderation.DecideReport(ctx, article.ID, byline.DecideReportRequest{Action: byline.DismissReport})
		noError(t, err)
		equal(t, 0, len(reported(t, byline.Open)))
		equal(t, 2, len(reported(t, byline.Decided)))
		equal(t, false, slices.Contains(reads(t, n.visitor, all), "Buy now"))
		equal(t, true, slices.Contains(reads(t, reader, all), "Buy now"))
		_, err = n.visitor.Articles.Get(ctx, slug, nil)
		noError(t, err)
	})
	step(t, "a block keeps two users apart", func(t *testing.T) {
		_, err := reader.Profiles.Follow(ctx, n.name("author"))
		noError(t, err)
		blocked, err := author.Profiles.Block(ctx, n.name("reader"))
		noError(t, err)
		equal(t, true, blocked.Blocked)
		_, err = reader.Comments.Create(ctx, slug, byline.NewComment{Body: "Let me in"})
		requireError(t, err, http.StatusForbidden, byline.CodeForbidden)
		_, err = reader.Profiles.Follow(ctx, n.name("author"))
		requireError(t, err, http.StatusForbidden, byline.CodeForbidden)
		profile, err := reader.Profiles.Get(ctx, n.name("author"))
		noError(t, err)
		equal(t, []bool{false, false}, []bool{profile.Following, profile.Blocked})
		equal(t, false, slices.Contains(reads(t, author, all), "third"))
		equal(t, true, slices.Contains(reads(t, n.visitor, all), "third"))
		var names []string
		for block, err := range author.Profiles.ListBlockedAll(ctx, &byline.ProfilesListBlockedParams{Limit: 1}) {
			noError(t, err)
			names = append(names, block.Username)
		}
		equal(t, []string{n.name("reader")}, names)
	})
	step(t, "unblock", func(t *testing.T) {
		profile, err := author.Profiles.Unblock(ctx, n.name("reader"))
		noError(t, err)
		equal(t, false, profile.Blocked)
		equal(t, false, says(t, reader, "Thank you", 0).Waiting)
		equal(t, true, slices.Contains(reads(t, author, all), "third"))
	})
}
