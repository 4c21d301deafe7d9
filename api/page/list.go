package page

import (
	"context"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
)

// DefaultLimit is the length of a page if the request has no limit.
const DefaultLimit = 20

// Start returns the position that a page starts after. This is the position of
// the cursor, or first if the request has no cursor. If the cursor is invalid,
// the error is a 422.
func (c *Codec) Start(scope string, cursor *string, first Position) (Position, error) {
	if cursor == nil {
		return first, nil
	}
	position, err := c.Decode(scope, *cursor)
	if err != nil {
		return Position{}, problem.InvalidField("cursor", "is not a valid cursor for this list").WithCause(err)
	}
	return position, nil
}

// Next returns the cursor and the Link header of the next page. The argument
// last is the position of the last row of this page.
func (c *Codec) Next(ctx context.Context, scope string, last Position) (cursor, link *string) {
	text := c.Encode(scope, last)
	return &text, new(NextLink(request.From(ctx).URL, text))
}

// StartText is Start for a list that is sorted by a text. The first page starts
// after the empty text.
func (c *Codec) StartText(scope string, cursor *string) (string, error) {
	if cursor == nil {
		return "", nil
	}
	text, err := c.DecodeText(scope, *cursor)
	if err != nil {
		return "", problem.InvalidField("cursor", "is not a valid cursor for this list").WithCause(err)
	}
	return text, nil
}

// NextText is Next for a list that is sorted by a text.
func (c *Codec) NextText(ctx context.Context, scope, last string) (cursor, link *string) {
	text := c.EncodeText(scope, last)
	return &text, new(NextLink(request.From(ctx).URL, text))
}

// ByID is a page of a list that is sorted by id, highest first.
type ByID[Item any] struct {
	Items        []Item
	Cursor, Link *string // nil on the last page
}

// CutByID returns the page that consists of the first limit rows. If there are
// more rows than that, there is another page, and the page has a cursor.
func CutByID[Row, Item any](
	ctx context.Context, c *Codec, scope string, rows []Row, limit int32, id func(Row) int64, render func(Row) Item,
) (p ByID[Item]) {
	if len(rows) > int(limit) {
		rows = rows[:limit]
		p.Cursor, p.Link = c.Next(ctx, scope, Position{ID: id(rows[limit-1])})
	}
	p.Items = make([]Item, len(rows))
	for i, r := range rows {
		p.Items[i] = render(r)
	}
	return p
}
