package api

import (
	"context"
	"math"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/openapi"
)

// firstPage lies beyond every row of a list that is newest first.
var firstPage = page.Position{CreatedAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), ID: math.MaxInt64}

// decodeCursor returns the position that a page starts after: the cursor's,
// or start when the request has none.
func decodeCursor(codec *page.Codec, scope string, cursor *openapi.Cursor, start page.Position) (page.Position, error) {
	if cursor == nil {
		return start, nil
	}
	position, err := codec.Decode(scope, *cursor)
	if err != nil {
		return page.Position{}, problem.InvalidField("cursor", "is not a cursor of this list").WithCause(err)
	}
	return position, nil
}

// nextPage returns the cursor and the Link header that lead on from last.
func nextPage(ctx context.Context, codec *page.Codec, scope string, last page.Position) (cursor string, link *string) {
	cursor = codec.Encode(scope, last)
	return cursor, ptr(page.NextLink(request.From(ctx).URL, cursor))
}

// appendNext ends the answer of a list with its nextCursor; "" is the last page's.
func appendNext(b []byte, cursor string) []byte {
	b = append(b, `,"nextCursor":`...)
	if cursor == "" {
		b = append(b, "null"...)
	} else {
		b = appendText(b, cursor)
	}
	return append(b, "}\n"...)
}

// lastID lies beyond every row of a list that is ordered by id alone.
var lastID = page.Position{ID: math.MaxInt64}

// pageByID renders the rows of a page, without the one that was read to tell
// whether there is another page, and leads on to that. The list is ordered by
// id, the newest first.
func pageByID[Row, Item any](ctx context.Context, codec *page.Codec, scope string, rows []Row, limit int32, id func(Row) int64, render func(Row) Item) (
	items []Item, next nullable.Nullable[string], link *string,
) {
	next = nullable.NewNullNullable[string]()
	if len(rows) > int(limit) {
		rows = rows[:limit]
		var cursor string
		cursor, link = nextPage(ctx, codec, scope, page.Position{ID: id(rows[limit-1])})
		next.Set(cursor)
	}
	items = make([]Item, len(rows))
	for i, r := range rows {
		items[i] = render(r)
	}
	return items, next, link
}

// nullOf renders a value that may be NULL.
func nullOf[T any](p *T) nullable.Nullable[T] {
	if p == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*p)
}

// valueOr returns what p points to, or fallback.
func valueOr[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}
