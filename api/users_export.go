package api

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// section is one kind of record in an export. To export another table, write
// its query in db/queries/exports.sql and add a section. A test checks that
// every table with a reference to users has one.
type section struct {
	// column is the foreign key column that holds the id of the user. It is ""
	// for tables without one, as the audit log.
	column string
	// size is the number of records of a page.
	size int32
	// next returns the page that starts after a position.
	next func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error)
}

// exported is a line of an export and its position in its section.
type exported struct {
	page.Position
	line []byte
}

// sections are the sections of an export, in order.
var sections = []section{
	{column: "sessions.user_id", size: 500, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportSessions(ctx, conn, query.ExportSessionsParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{column: "api_keys.user_id", size: 500, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportApiKeys(ctx, conn, query.ExportApiKeysParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{column: "articles.author_id", size: 500, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byTime(q.ExportArticles(ctx, conn, query.ExportArticlesParams{
			UserID: user, AfterCreatedAt: after.Key.Time(), AfterID: after.ID, PageLimit: size, MaxBytes: budget.Unreserved,
		}))
	}},
	// The rows refer to articles, which refer to the user.
	{size: 100, next: exportRevisions},
	{column: "comments.author_id", size: 500, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportComments(ctx, conn, query.ExportCommentsParams{
			UserID: user, AfterID: after.ID, PageLimit: size, MaxBytes: budget.Unreserved,
		}))
	}},
	{column: "favorites.user_id", size: 1000, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byTime(q.ExportFavorites(ctx, conn, query.ExportFavoritesParams{
			UserID: user, AfterCreatedAt: after.Key.Time(), AfterID: after.ID, PageLimit: size,
		}))
	}},
	{column: "follows.follower_id", size: 1000, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportFollowing(ctx, conn, query.ExportFollowingParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{column: "follows.followee_id", size: 1000, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportFollowers(ctx, conn, query.ExportFollowersParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{column: "blocks.blocker_id", size: 1000, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportBlocks(ctx, conn, query.ExportBlocksParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{column: "reports.reporter_id", size: 500, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportReports(ctx, conn, query.ExportReportsParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{size: 500, next: func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportAuditEntries(ctx, conn, query.ExportAuditEntriesParams{UserID: &user, AfterID: after.ID, PageLimit: size}))
	}},
}

// exportRevisions returns a page of the older texts of the user's articles.
func exportRevisions(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
	rows, err := q.ExportRevisions(ctx, conn, query.ExportRevisionsParams{
		UserID: user, AfterArticleID: after.Key.Count(), AfterNumber: int32(after.ID), PageLimit: size, MaxBytes: budget.Unreserved,
	})
	out := make([]exported, len(rows))
	for i, r := range rows {
		out[i] = exported{Position: page.Position{Key: page.Count(r.ArticleID), ID: int64(r.Number)}, line: r.Record}
	}
	return out, err
}

// The queries of sections return rows of the type idRow or timeRow.
type (
	idRow struct {
		ID     int64
		Record []byte
	}
	timeRow struct {
		ID        int64
		CreatedAt time.Time
		Record    []byte
	}
)

// byID converts rows that are sorted by id.
func byID[R ~struct {
	ID     int64
	Record []byte
}](rows []R, err error) ([]exported, error) {
	out := make([]exported, len(rows))
	for i, r := range rows {
		r := idRow(r)
		out[i] = exported{Position: page.Position{ID: r.ID}, line: r.Record}
	}
	return out, err
}

// byTime converts rows that are sorted by time.
func byTime[R ~struct {
	ID        int64
	CreatedAt time.Time
	Record    []byte
}](rows []R, err error) ([]exported, error) {
	out := make([]exported, len(rows))
	for i, r := range rows {
		r := timeRow(r)
		out[i] = exported{Position: page.Position{Key: page.At(r.CreatedAt), ID: r.ID}, line: r.Record}
	}
	return out, err
}

// exportResponse is the response of ExportCurrentUser.
type exportResponse struct{ *response.Stream }

// VisitExportCurrentUserResponse implements
// openapi.ExportCurrentUserResponseObject.
func (r exportResponse) VisitExportCurrentUserResponse(w http.ResponseWriter) error { return r.Send(w) }

// ExportCurrentUser returns all data of the viewer's account. It reads one page
// after the other, each on its own connection. A single transaction would give
// a consistent snapshot. But then a slow client would hold a connection for as
// long as it reads, and PostgreSQL would keep old row versions for that time.
func (s users) ExportCurrentUser(ctx context.Context, _ openapi.ExportCurrentUserRequestObject) (openapi.ExportCurrentUserResponseObject, error) {
	return exportResponse{&response.Stream{
		Header: http.Header{
			"Content-Type":        {"application/x-ndjson"},
			"Content-Disposition": {`attachment; filename="byline-export.ndjson"`},
		},
		Chunks: func(yield func([]byte, error) bool) {
			if err := s.export(ctx, request.Viewer(ctx), yield); err != nil {
				yield(nil, err)
			}
		},
	}}, nil
}

// export yields the lines of an export, several at a time. It returns early
// without an error if yield returns false, because the client has disconnected.
// A slow client takes minutes, so each page needs a token that is still valid.
func (s users) export(ctx context.Context, viewer auth.Viewer, yield func([]byte, error) bool) error {
	account, err := q.ExportAccount(ctx, s.db, viewer.ID)
	if err != nil {
		return translate.UnknownViewer(err)
	}
	if !yield(append(account, '\n'), nil) {
		return nil
	}
	count := 1
	for _, section := range sections {
		for records, err := range section.pages(ctx, s.db, viewer.ID) {
			if err != nil {
				return err
			}
			if _, err := s.authenticator.Authenticate(ctx, viewer.Token); err != nil {
				return translate.RefusedToken("token", err)
			}
			var lines bytes.Buffer
			for _, r := range records {
				lines.Write(r.line)
				lines.WriteByte('\n')
			}
			if !yield(lines.Bytes(), nil) {
				return nil
			}
			count += len(records)
		}
	}
	yield([]byte(`{"type":"end","records":`+strconv.Itoa(count)+"}\n"), nil)
	return nil
}

// pages yields all records of a section, one page at a time. A page with long
// texts has fewer records than the size, so that only an empty page is the end.
func (s section) pages(ctx context.Context, conn query.DBTX, user int64) iter.Seq2[[]exported, error] {
	return func(yield func([]exported, error) bool) {
		var after page.Position
		for {
			records, err := s.next(ctx, conn, user, after, s.size)
			if err == nil {
				err = ctx.Err() // set if the client has disconnected
			}
			if err != nil || len(records) == 0 {
				if err != nil {
					yield(nil, err)
				}
				return
			}
			if !yield(records, nil) {
				return
			}
			after = records[len(records)-1].Position
		}
	}
}
