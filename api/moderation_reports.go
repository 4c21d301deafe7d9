package api

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/byline-api/byline/api/accounts"
	"github.com/byline-api/byline/api/audit"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// CreateReport tells the moderators about something that the viewer sees.
func (s moderation) CreateReport(ctx context.Context, req openapi.CreateReportRequestObject) (openapi.CreateReportResponseObject, error) {
	in, viewer := req.Body, request.Viewer(ctx)
	id := textOrNumber(in.Id)
	call := idempotency.Call{Operation: "CreateReport", Key: req.Params.IdempotencyKey, Body: in}
	created, replayed, err := idempotency.Once(ctx, s.once, call, func(conn query.DBTX) (query.ReportCreateRow, error) {
		reported, err := findReported(ctx, conn, in.Kind, id)
		if err != nil {
			return query.ReportCreateRow{}, err
		}
		if reported.author == viewer.ID {
			return query.ReportCreateRow{}, problem.InvalidField("id", "can't be your own")
		}
		created, err := q.ReportCreate(ctx, conn, query.ReportCreateParams{
			Kind: string(in.Kind), SubjectID: reported.id, AuthorID: reported.author, ReporterID: viewer.ID, Reason: in.Reason,
		})
		if db.Violated(err) == db.ReportedItemsAuthorIDFkey { // deleted since it was found
			err = problem.NotFound(string(in.Kind)).WithCause(err)
		}
		return created, err
	})
	if err != nil {
		return nil, err
	}
	out := openapi.ReportCreatedJSONResponse{Body: openapi.ReportResponse{Report: openapi.Report{
		Kind: in.Kind, Id: id, Reason: created.Reason, CreatedAt: view.Timestamp(created.CreatedAt),
	}}}
	out.Headers.IdempotencyReplayed = replayed
	return openapi.CreateReport201JSONResponse{ReportCreatedJSONResponse: out}, nil
}

// textOrNumber returns the text of a member that is a string or a number.
func textOrNumber(member json.RawMessage) (text string) {
	if json.Unmarshal(member, &text) != nil {
		return string(member)
	}
	return text
}

// reported is something that a viewer reports.
type reported struct{ id, author int64 }

// findReported finds what a viewer reports. If the viewer does not see it, the
// error is the same 404 as if it did not exist. Blocks do not matter: nobody
// escapes reports by blocking those who would report.
func findReported(ctx context.Context, conn query.DBTX, kind openapi.ReportKind, id string) (reported, error) {
	viewer := request.Viewer(ctx)
	switch kind {
	case openapi.ReportedArticle:
		a, err := visibility.FindArticle(ctx, conn, id)
		return reported{a.ID, a.AuthorID}, err
	case openapi.ReportedComment:
		number, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return reported{}, problem.InvalidField("id", "must be the number of a comment")
		}
		c, err := q.CommentFind(ctx, conn, query.CommentFindParams{ID: number, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer)})
		return reported{c.ID, c.AuthorID}, translate.NotFound(err, "comment")
	default:
		u, err := q.ProfileGetByUsername(ctx, conn, query.ProfileGetByUsernameParams{Username: id, FoldedUsername: names.Fold(id)})
		return reported{u.ID, u.ID}, translate.NotFound(err, "profile")
	}
}

// GetReports lists what was reported.
func (s moderation) GetReports(ctx context.Context, req openapi.GetReportsRequestObject) (openapi.GetReportsResponseObject, error) {
	in := req.Params
	decided, kind := optional.Or(in.Status, openapi.GetReportsParamsStatusOpen) == openapi.GetReportsParamsStatusDecided, string(optional.Or(in.Kind, ""))
	scope := "reports?" + url.Values{"decided": {strconv.FormatBool(decided)}, "kind": {kind}}.Encode()
	limit := optional.Or(in.Limit, page.DefaultLimit)
	before, err := s.cursors.Start(scope, in.Cursor, page.LastID)
	if err != nil {
		return nil, err
	}
	rows, err := listReported(ctx, s.db, decided, kind, before.ID, limit+1)
	if err != nil {
		return nil, err
	}
	p := page.CutByID(ctx, s.cursors, scope, rows, limit, func(r openapi.ReportedItem) int64 { return r.Id }, func(r openapi.ReportedItem) openapi.ReportedItem { return r })
	out := openapi.ReportedItemsJSONResponse{Body: openapi.ReportedItemsResponse{Reports: p.Items, NextCursor: p.Cursor}}
	out.Headers.Link = p.Link
	return openapi.GetReports200JSONResponse{ReportedItemsJSONResponse: out}, nil
}

// listReported returns the items with ids below a limit, the highest first,
// with their newest reports.
func listReported(ctx context.Context, conn query.DBTX, decided bool, kind string, before int64, limit int32) ([]openapi.ReportedItem, error) {
	viewer := request.Viewer(ctx)
	rows, err := q.ReportedItemList(ctx, conn, query.ReportedItemListParams{
		ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer), Decided: decided, Kind: kind, BeforeID: before, PageLimit: limit,
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids, items, byID := make([]int64, len(rows)), make([]openapi.ReportedItem, len(rows)), make(map[int64]*openapi.ReportedItem, len(rows))
	for i, r := range rows {
		ids[i], items[i] = r.ID, reportedItem(r)
		byID[r.ID] = &items[i]
	}
	reports, err := q.ReportListByItems(ctx, conn, ids)
	for _, r := range reports {
		item := byID[r.ItemID]
		item.Reports = append(item.Reports, openapi.ReportOfItem{Reporter: r.Reporter, Reason: r.Reason, CreatedAt: view.Timestamp(r.CreatedAt)})
	}
	return items, err
}

func reportedItem(r query.ReportedItemListRow) openapi.ReportedItem {
	item := openapi.ReportedItem{
		Id: r.ID, Kind: openapi.ReportKind(r.Kind), Slug: r.Slug, Title: r.Title, Author: r.Author, Excerpt: optional.NonZero(r.Excerpt),
		ReportsCount: r.ReportsCount, Reports: []openapi.ReportOfItem{}, CreatedAt: view.Timestamp(r.CreatedAt),
	}
	if item.Kind == openapi.ReportedComment {
		item.CommentId = &r.SubjectID
	}
	if r.Action != nil {
		item.Decision = &openapi.ReportDecision{
			Action: openapi.ReportAction(*r.Action), Note: r.Note, DecidedBy: r.DecidedByName, DecidedAt: view.Timestamp(*r.DecidedAt),
		}
	}
	return item
}

// subjectKinds has the kinds of things that are reported, as the audit log
// names them.
var subjectKinds = map[string]openapi.AuditSubjectKind{
	string(openapi.ReportedArticle): openapi.SubjectArticle,
	string(openapi.ReportedComment): openapi.SubjectComment,
	string(openapi.ReportedProfile): openapi.SubjectUser,
}

// DecideReport decides what was reported, and acts.
func (s moderation) DecideReport(ctx context.Context, req openapi.DecideReportRequestObject) (openapi.DecideReportResponseObject, error) {
	viewer, in := request.Viewer(ctx), *req.Body
	var item query.ReportedItemLockRow
	var shown []openapi.ReportedItem
	err := s.db.InTx(ctx, func(tx query.DBTX) (err error) {
		if item, err = q.ReportedItemLock(ctx, tx, req.Id); err != nil {
			return translate.NotFound(err, "report")
		}
		switch {
		case item.Action == nil:
			err = decide(ctx, tx, item, in)
		case *item.Action != string(in.Action) || optional.Or(item.DecidedBy, 0) != viewer.ID || optional.Or(item.Note, "") != optional.Or(in.Note, ""):
			err = problem.New(problem.AlreadyDecided, "report", "has already been decided")
		}
		if err != nil {
			return err
		}
		shown, err = listReported(ctx, tx, true, "", item.ID+1, 1)
		return err
	})
	if err != nil {
		return nil, err
	}
	if in.Action == openapi.SuspendReported {
		s.authenticator.Forget(func(v auth.Viewer) bool { return v.ID == item.AuthorID })
	}
	return openapi.DecideReport200JSONResponse{ReportedItemOKJSONResponse: openapi.ReportedItemOKJSONResponse{Report: shown[0]}}, nil
}

// decide acts, and stores the decision. The entry of the decision is written
// before the action, which may delete what the entry is about.
func decide(ctx context.Context, tx query.DBTX, item query.ReportedItemLockRow, in openapi.DecideReportRequest) error {
	a, err := actOn(ctx, item, in)
	if err != nil {
		return err
	}
	if _, err := a.lock(ctx, tx); err != nil {
		if p := problem.From(err); p != nil && p.Code == problem.NotFoundCode {
			return problem.InvalidField("action", "can't be taken, because the "+item.Kind+" no longer exists").WithCause(err)
		}
		return err
	}
	entry := audit.Entry{Action: openapi.ReportDecided, Kind: subjectKinds[item.Kind], ID: item.SubjectID, Reason: in.Note, To: new(string(in.Action))}
	if item.Slug == "" { // a profile, or what was deleted: only the author leads to the account
		entry.Kind, entry.ID = openapi.SubjectUser, item.AuthorID
	}
	if err := audit.Write(ctx, tx, entry); err != nil {
		return err
	}
	if in.Action != openapi.DismissReport {
		id := item.SubjectID
		if in.Action == openapi.SuspendReported {
			id = item.AuthorID
		}
		if err := a.do(ctx, tx, id); err != nil {
			return err
		}
	}
	return q.ReportedItemDecide(ctx, tx, query.ReportedItemDecideParams{
		ID: item.ID, DecidedBy: request.Viewer(ctx).ID, Action: string(in.Action), Note: in.Note,
	})
}

// actOn returns what a moderator does to what was reported. It returns an error
// if the moderator may not do that, or if it makes no sense.
func actOn(ctx context.Context, item query.ReportedItemLockRow, in openapi.DecideReportRequest) (act, error) {
	if err := mayDecide(ctx, in.Action); err != nil {
		return act{}, err
	}
	note := optional.Or(in.Note, "")
	switch kind := openapi.ReportKind(item.Kind); {
	case in.Action == openapi.DismissReport:
		return act{lock: func(context.Context, query.DBTX) (int64, error) { return item.SubjectID, nil }}, nil
	case note == "":
		return act{}, problem.InvalidField("note", problem.Blank)
	case in.Action == openapi.SuspendReported:
		return suspendAuthor(item, note), nil
	case kind == openapi.ReportedProfile:
		return act{}, problem.InvalidField("action", "must be dismiss or suspend for a profile")
	case in.Action == openapi.HideReported && kind == openapi.ReportedArticle:
		return hideArticle(item.Slug, note), nil
	case in.Action == openapi.HideReported:
		return hideComment(item.Slug, item.SubjectID, note), nil
	case kind == openapi.ReportedArticle:
		return deleteReported(item, openapi.ArticleDeleted, note, lockArticle(item.Slug), q.ArticleDelete), nil
	default:
		return deleteReported(item, openapi.CommentDeleted, note, lockComment(item.Slug, item.SubjectID), q.CommentErase), nil
	}
}

// mayDecide returns a 403 if the viewer's role does not permit an action. The
// role of an admin is checked again when the accounts are locked.
func mayDecide(ctx context.Context, action openapi.ReportAction) error {
	switch {
	case action == openapi.DeleteReported:
		return publish.RequireEditor(ctx)
	case action == openapi.SuspendReported && request.Viewer(ctx).Role < auth.Admin:
		return accounts.AdminRequired()
	default:
		return nil
	}
}

// deleteReported deletes an article or a comment. The author is locked first,
// because everything that ends a session locks users before sessions.
func deleteReported(
	item query.ReportedItemLockRow, action openapi.AuditAction, note string, found lock, erase func(context.Context, query.DBTX, int64) error,
) act {
	return act{
		entry: audit.Entry{Action: action, Kind: subjectKinds[item.Kind], Reason: &note}, deletes: true,
		lock: func(ctx context.Context, tx query.DBTX) (int64, error) {
			id, err := found(ctx, tx)
			if err == nil {
				_, err = q.ArticleHoldAuthors(ctx, tx, []int64{item.AuthorID})
			}
			return id, err
		},
		change: func(ctx context.Context, tx query.DBTX, id int64) (int64, error) { return 1, erase(ctx, tx, id) },
	}
}

// suspendAuthor suspends the author of what was reported.
func suspendAuthor(item query.ReportedItemLockRow, note string) act {
	var author *query.UserAccount
	return act{
		entry: audit.Entry{Action: openapi.UserSuspended, Kind: openapi.SubjectUser, Reason: &note},
		lock: func(ctx context.Context, tx query.DBTX) (int64, error) {
			rows, err := q.UserLockAll(ctx, tx, []int64{request.Viewer(ctx).ID, item.AuthorID})
			if err != nil {
				return 0, err
			}
			if author, err = accounts.Subject(ctx, rows); err == nil && author == nil {
				err = problem.InvalidField("action", "can't suspend yourself")
			}
			return item.AuthorID, err
		},
		change: func(ctx context.Context, tx query.DBTX, _ int64) (int64, error) {
			changed, err := accounts.Suspend(ctx, tx, author, note)
			if err != nil || !changed {
				return 0, err
			}
			return 1, nil
		},
	}
}
