package cards

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/query"
)

// A Card is what all readers see of an article in lists, as JSON. It is not
// changed after it was made.
type Card struct {
	ID, AuthorID int64
	PublishedAt  time.Time
	// Tags are the tags as they are stored.
	Tags []string

	// text is the card for a reader who may not edit the article, without what
	// the reader has marked: the offsets say where it stands.
	text                         []byte
	status, favorited, following int

	length, size int
	basis        changes.Basis
}

// newCard encodes openapi.ArticleSummary. TestCard compares the encoding with
// that of the generated types.
func newCard(ctx context.Context, a *query.ArticleCardsRow) *Card {
	c := &Card{ID: a.ID, AuthorID: a.AuthorID, PublishedAt: a.PublishedAt, Tags: a.Tags}
	tags := view.Tags(ctx, a.Tags)
	measure := func(of func(string) int) int {
		return view.CardTexts(a.Title, a.Description, tags, of) + view.AuthorTexts(a.Username, a.Bio, a.Image, of)
	}
	c.length, c.size = measure(view.Length), measure(view.Size)
	b := make([]byte, 0, c.size+400)
	b = view.AppendText(append(b, `{"slug":`...), a.Slug)
	b = view.AppendText(append(b, `,"title":`...), a.Title)
	b = view.AppendText(append(b, `,"description":`...), a.Description)
	b = view.AppendTexts(append(b, `,"tagList":`...), tags)
	b = view.AppendTime(append(b, `,"createdAt":`...), a.CreatedAt)
	b = view.AppendTime(append(b, `,"updatedAt":`...), a.UpdatedAt)
	c.status = len(b)
	b = append(b, `,"favorited":`...)
	c.favorited = len(b)
	b = strconv.AppendInt(append(b, `,"favoritesCount":`...), a.FavoritesCount, 10)
	b = view.AppendText(append(b, `,"author":{"username":`...), a.Username)
	b = view.AppendNullable(append(b, `,"bio":`...), a.Bio)
	b = view.AppendNullable(append(b, `,"image":`...), a.Image)
	b = append(b, `,"following":`...)
	c.following = len(b)
	c.text = bytes.Clone(append(b, "}}"...)) // no longer than it is, to be kept
	return c
}

// Append encodes the card for a reader. Those who may change an article see its
// status.
func (c *Card) Append(b []byte, m *Marks, mayEdit bool) []byte {
	b = append(b, c.text[:c.status]...)
	if mayEdit {
		b = view.AppendTime(append(b, `,"status":"published","publishedAt":`...), c.PublishedAt)
	}
	b = append(b, c.text[c.status:c.favorited]...)
	b = strconv.AppendBool(b, m.favorited[c.ID])
	b = append(b, c.text[c.favorited:c.following]...)
	b = strconv.AppendBool(b, m.following[c.AuthorID])
	return append(b, c.text[c.following:]...)
}

// Length returns how many bytes the texts of the card have.
func Length(c **Card) int { return (*c).length }

// Size returns how many bytes of JSON the texts of the card may take.
func Size(c **Card) int { return (*c).size }
