package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// section is one kind of record in an export. To export another table, write
// its query in db/queries/exports.sql and add a section; a test demands it of
// every table that refers to users.
type section struct {
	// column is the reference that makes a row of the table the user's.
	column string
	// size is how many records a page has; bodies make the difference.
	size int32
	// next returns the page after a position.
	next func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error)
}

// exported is a line of an export with its position in its section.
type exported struct {
	page.Position
	line []byte
}

var sections = []section{
	{"sessions.user_id", 500, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportSessions(ctx, conn, query.ExportSessionsParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{"api_keys.user_id", 500, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportApiKeys(ctx, conn, query.ExportApiKeysParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{"articles.author_id", 16, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byTime(q.ExportArticles(ctx, conn, query.ExportArticlesParams{
			UserID: user, AfterCreatedAt: after.CreatedAt, AfterID: after.ID, PageLimit: size,
		}))
	}},
	{"comments.author_id", 200, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportComments(ctx, conn, query.ExportCommentsParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{"favorites.user_id", 1000, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byTime(q.ExportFavorites(ctx, conn, query.ExportFavoritesParams{
			UserID: user, AfterCreatedAt: after.CreatedAt, AfterID: after.ID, PageLimit: size,
		}))
	}},
	{"follows.follower_id", 1000, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportFollowing(ctx, conn, query.ExportFollowingParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
	{"follows.followee_id", 1000, func(ctx context.Context, conn query.DBTX, user int64, after page.Position, size int32) ([]exported, error) {
		return byID(q.ExportFollowers(ctx, conn, query.ExportFollowersParams{UserID: user, AfterID: after.ID, PageLimit: size}))
	}},
}

// idRow and timeRow are what the queries of sections answer.
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

func byID[R ~struct {
	ID     int64
	Record []byte
}](rows []R, err error) ([]exported, error) {
	out := make([]exported, len(rows))
	for i, r := range rows {
		r := idRow(r)
		out[i] = exported{page.Position{ID: r.ID}, r.Record}
	}
	return out, err
}

func byTime[R ~struct {
	ID        int64
	CreatedAt time.Time
	Record    []byte
}](rows []R, err error) ([]exported, error) {
	out := make([]exported, len(rows))
	for i, r := range rows {
		r := timeRow(r)
		out[i] = exported{page.Position{CreatedAt: r.CreatedAt, ID: r.ID}, r.Record}
	}
	return out, err
}

// ExportCurrentUser answers everything of the viewer's account. It reads page
// after page, each with a connection of its own: one transaction would be one
// picture, but a client that reads slowly would keep a connection, and what
// PostgreSQL has to remember for it, as long as it likes.
func (s users) ExportCurrentUser(ctx context.Context, _ openapi.ExportCurrentUserRequestObject) (openapi.ExportCurrentUserResponseObject, error) {
	if request.From(ctx).Head {
		return export{}, nil
	}
	user := request.Viewer(ctx).ID
	account, err := q.ExportAccount(ctx, s.db, user)
	if err != nil {
		return nil, orUnknownViewer(err)
	}
	return export{ctx: ctx, db: s.db, user: user, account: account}, nil
}

// export is the response that writes itself.
type export struct {
	ctx     context.Context
	db      *db.DB
	user    int64
	account []byte // the first line; without one there are none
}

// sendTimeout is how long a client may take for one page.
const sendTimeout = 30 * time.Second

// VisitExportCurrentUserResponse implements openapi.ExportCurrentUserResponseObject.
func (e export) VisitExportCurrentUserResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="byline-export.ndjson"`)
	w.WriteHeader(http.StatusOK)
	if e.account == nil {
		return nil
	}
	control := http.NewResponseController(w)
	send := func(lines []byte) error {
		_ = control.SetWriteDeadline(time.Now().Add(sendTimeout)) // a recorder has none
		_, err := w.Write(lines)
		if err == nil {
			err = control.Flush()
		}
		if err != nil {
			return fmt.Errorf("%w: %w", request.ErrClientGone, err)
		}
		return nil
	}
	count := 1
	if err := send(append(e.account, '\n')); err != nil {
		return err
	}
	for _, s := range sections {
		n, err := e.section(s, send)
		if err != nil {
			return err
		}
		count += n
	}
	return send([]byte(`{"type":"end","records":` + strconv.Itoa(count) + "}\n"))
}

// section writes all records of a kind and returns how many there were.
func (e export) section(s section, send func([]byte) error) (count int, err error) {
	var after page.Position
	for {
		if err := e.ctx.Err(); err != nil {
			return count, err // nobody reads on
		}
		records, err := s.next(e.ctx, e.db, e.user, after, s.size)
		if err != nil || len(records) == 0 {
			return count, err
		}
		var lines bytes.Buffer
		for _, r := range records {
			lines.Write(r.line)
			lines.WriteByte('\n')
		}
		if err := send(lines.Bytes()); err != nil {
			return count, err
		}
		count += len(records)
		if len(records) < int(s.size) {
			return count, nil
		}
		after = records[len(records)-1].Position
	}
}
