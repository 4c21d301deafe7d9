package api

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// TestCommentPage checks that a page encoded by hand is the same JSON as the
// generated types give.
func TestCommentPage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.FixedZone("", 20700))
	plain := query.CommentListOldestRow{ID: 1, AuthorID: 3, Body: `"<b>&` + "\u2028\x01", CreatedAt: at, UpdatedAt: at.Add(time.Hour), Username: "jake"}
	full := query.CommentListOldestRow{
		ID: 1<<53 - 1, ParentID: 1, AuthorID: 4, Waiting: true, Body: "日本語 🐉", CreatedAt: at, UpdatedAt: at, Username: "anna", Bio: new("line\nbreak"), Image: new(""), Following: true,
	}
	rows := []comment{
		{CommentListOldestRow: plain},
		{CommentListOldestRow: full, html: new("<p>日本語</p>"), hiding: &visibility.Hiding{Reason: `"spam"`, At: at}},
		{CommentListOldestRow: query.CommentListOldestRow{ID: 5, CreatedAt: at, UpdatedAt: at}},
	}
	for name, page := range map[string]commentPage{
		"Empty": {},
		"Last":  {rows: rows},
		"First": {rows: rows, next: new("cursor"), link: new(`</next>; rel="next"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			generated := openapi.CommentsResponse{Comments: []openapi.Comment{}, NextCursor: page.next}
			for _, c := range page.rows {
				generated.Comments = append(generated.Comments, c.view())
			}
			want, err := json.Marshal(generated)
			require.NoError(t, err)
			w := httptest.NewRecorder()
			require.NoError(t, page.VisitGetArticleCommentsResponse(w))
			require.JSONEq(t, string(want), w.Body.String())
			require.Equal(t, page.link != nil, w.Header().Get("Link") != "")
		})
	}
}
