package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/gen/query"
)

// Answers that are read most are written from rows to bytes in one pass. The
// generated types need a map for every nullable text and reflection for the
// rest, which took a third of the time of a list (docs/performance.md). Tests
// hold every answer against the document, so that the two cannot drift apart.

// ready is an encoded answer; it is the response of several operations.
type ready struct {
	status   int
	body     []byte
	version  string // of an article, for its entity tag; "" = none
	link     *string
	location *string
	replayed *string
}

func (r ready) write(w http.ResponseWriter) error {
	h := w.Header()
	h["Content-Type"] = jsonType
	if r.version != "" {
		// The edge makes an entity tag of the version and the bytes.
		h.Set("ETag", r.version)
	}
	setIf(h, "Link", r.link)
	setIf(h, "Location", r.location)
	setIf(h, "Idempotency-Replayed", r.replayed)
	w.WriteHeader(r.status)
	inner := w
	if wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		inner = wrapped.Unwrap()
	}
	if taker, ok := inner.(BodyTaker); ok {
		taker.TakeBody(r.body)
		return nil
	}
	_, err := w.Write(r.body)
	return err
}

// BodyTaker is a ResponseWriter that takes a whole body over instead of
// copying it, which is half of what an answer allocates.
type BodyTaker interface{ TakeBody([]byte) }

// jsonType is shared by all answers, which do not change it.
var jsonType = []string{"application/json"}

func setIf(h http.Header, name string, value *string) {
	if value != nil {
		h.Set(name, *value)
	}
}

func (r ready) VisitBatchGetArticlesResponse(w http.ResponseWriter) error      { return r.write(w) }
func (r ready) VisitBatchGetProfilesResponse(w http.ResponseWriter) error      { return r.write(w) }
func (r ready) VisitCreateArticleCommentResponse(w http.ResponseWriter) error  { return r.write(w) }
func (r ready) VisitCreateArticleFavoriteResponse(w http.ResponseWriter) error { return r.write(w) }
func (r ready) VisitCreateArticleResponse(w http.ResponseWriter) error         { return r.write(w) }
func (r ready) VisitDeleteArticleFavoriteResponse(w http.ResponseWriter) error { return r.write(w) }
func (r ready) VisitFollowUserByUsernameResponse(w http.ResponseWriter) error  { return r.write(w) }
func (r ready) VisitGetArticleCommentsResponse(w http.ResponseWriter) error    { return r.write(w) }
func (r ready) VisitGetArticleResponse(w http.ResponseWriter) error            { return r.write(w) }
func (r ready) VisitGetArticlesFeedResponse(w http.ResponseWriter) error       { return r.write(w) }
func (r ready) VisitGetArticlesResponse(w http.ResponseWriter) error           { return r.write(w) }
func (r ready) VisitGetProfileByUsernameResponse(w http.ResponseWriter) error  { return r.write(w) }
func (r ready) VisitUnfollowUserByUsernameResponse(w http.ResponseWriter) error {
	return r.write(w)
}
func (r ready) VisitUpdateArticleResponse(w http.ResponseWriter) error { return r.write(w) }

// Sizes, in bytes, that most answers fit into without growing.
const (
	profileSize = 256
	cardSize    = 768
)

// articleRow is an article with its body as the viewer sees it.
type articleRow struct {
	ArticleCard          query.ArticleCard
	Body                 string
	BodyHTML             *string // nil unless it was asked for
	Favorited, Following bool
	// Hidden is nil unless a moderator has hidden the article.
	Hidden *hiding
}

func articleReady(status int, a articleRow) ready {
	size := len(a.Body) + len(valueOr(a.BodyHTML, ""))
	b := newBody(cardSize + size + size/16)
	b = append(b, `{"article":`...)
	b = appendArticle(b, a.ArticleCard, &a.Body, a.BodyHTML, a.Favorited, a.Following, a.Hidden)
	return ready{status: status, body: append(b, "}\n"...), version: etag.Version(a.ArticleCard.ID, a.ArticleCard.Version)}
}

// appendArticle writes an article; a nil body is left out, as lists do, and so
// is the body as HTML.
func appendArticle(b []byte, c query.ArticleCard, body, html *string, favorited, following bool, hidden *hiding) []byte {
	b = appendText(append(b, `{"slug":`...), c.Slug)
	b = appendText(append(b, `,"title":`...), c.Title)
	b = appendText(append(b, `,"description":`...), c.Description)
	if body != nil {
		b = appendText(append(b, `,"body":`...), *body)
	}
	b = appendHTML(b, html)
	b = appendTexts(append(b, `,"tagList":`...), c.Tags)
	b = appendTime(append(b, `,"createdAt":`...), c.CreatedAt)
	b = appendTime(append(b, `,"updatedAt":`...), c.UpdatedAt)
	b = strconv.AppendBool(append(b, `,"favorited":`...), favorited)
	b = strconv.AppendInt(append(b, `,"favoritesCount":`...), c.FavoritesCount, 10)
	b = appendProfile(append(b, `,"author":`...), c.Username, c.Bio, c.Image, following)
	return append(appendHidden(b, hidden), '}')
}

// appendHidden writes the member that core clients do not know, where there is
// reason to.
func appendHidden(b []byte, h *hiding) []byte {
	if h == nil {
		return b
	}
	b = appendText(append(b, `,"hidden":{"reason":`...), h.Reason)
	b = appendTime(append(b, `,"at":`...), h.At)
	return append(b, '}')
}

func appendProfile(b []byte, username string, bio, image *string, following bool) []byte {
	b = appendText(append(b, `{"username":`...), username)
	b = appendNullable(append(b, `,"bio":`...), bio)
	b = appendNullable(append(b, `,"image":`...), image)
	b = strconv.AppendBool(append(b, `,"following":`...), following)
	return append(b, '}')
}

// commentRow is a comment as the viewer sees it.
type commentRow = query.CommentListOldestRow

func appendComment(b []byte, c commentRow, html *string, hidden *hiding) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), c.ID, 10)
	b = appendTime(append(b, `,"createdAt":`...), c.CreatedAt)
	b = appendTime(append(b, `,"updatedAt":`...), c.UpdatedAt)
	b = appendText(append(b, `,"body":`...), c.Body)
	b = appendHTML(b, html)
	b = appendProfile(append(b, `,"author":`...), c.Username, c.Bio, c.Image, c.Following)
	return append(appendHidden(b, hidden), '}')
}

func appendHTML(b []byte, html *string) []byte {
	if html == nil {
		return b
	}
	return appendText(append(b, `,"bodyHtml":`...), *html)
}

// appendText writes a JSON string. Its error is about text that is not UTF-8,
// which PostgreSQL does not hold.
func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func appendNullable(b []byte, s *string) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return appendText(b, *s)
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, t := range texts {
		b = appendText(appendComma(b, i), t)
	}
	return append(b, ']')
}

// stampLayout is how the contract demands times: UTC, three fraction digits.
const stampLayout = "2006-01-02T15:04:05.000Z"

func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, `"`+stampLayout+`"`)
}

func timestamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// appendComma separates item i from the one before.
func appendComma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}
