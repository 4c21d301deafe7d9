package api

import (
	"net/http"
	"strconv"

	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
)

// commentPage is a page of an article's comments, which it encodes from the
// rows in one pass, for the same reason as articlePage: with encoding/json a
// request that is not in the cache took 1.13 times the processor time of the
// service. TestCommentPage compares the two encodings.
type commentPage struct {
	articleID  int64
	rows       []comment
	next, link *string
}

var (
	_ openapi.GetArticleCommentsResponseObject = commentPage{}
	_ response.Describer                       = commentPage{}
)

// Version implements response.Describer: a list has no version.
func (p commentPage) Version() string { return "" }

// Decided implements response.Describer.
func (p commentPage) Decided() bool { return true }

// Keys implements response.Describer. A page depends on the article, on its
// list of comments and on the profiles of the comments' authors.
func (p commentPage) Keys() []changes.Key {
	keys := []changes.Key{changes.Article(p.articleID), changes.Comments(p.articleID)}
	seen := map[int64]bool{}
	for _, c := range p.rows {
		if !c.deleted() && !seen[c.AuthorID] {
			seen[c.AuthorID] = true
			keys = append(keys, changes.Profile(c.AuthorID))
		}
	}
	return keys
}

// VisitGetArticleCommentsResponse implements
// openapi.GetArticleCommentsResponseObject.
func (p commentPage) VisitGetArticleCommentsResponse(w http.ResponseWriter) error {
	view.SetHeader(w, "Link", p.link)
	return view.WriteJSON(w, http.StatusOK, p.append)
}

// append encodes openapi.CommentsResponse.
func (p commentPage) append(b []byte) []byte {
	b = append(b, `{"comments":[`...)
	for i := range p.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.rows[i].append(b)
	}
	b = view.AppendNullable(append(b, `],"nextCursor":`...), p.next)
	return append(b, "}\n"...)
}

// append encodes openapi.Comment, as view renders it.
func (c *comment) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), c.ID, 10)
	b = append(b, `,"parentId":`...)
	if c.ParentID == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, c.ParentID, 10)
	}
	b = view.AppendTime(append(b, `,"createdAt":`...), c.CreatedAt)
	b = view.AppendTime(append(b, `,"updatedAt":`...), c.UpdatedAt)
	b = view.AppendText(append(b, `,"body":`...), c.Body)
	if c.html != nil {
		b = view.AppendText(append(b, `,"bodyHtml":`...), *c.html)
	}
	if c.deleted() {
		b = append(b, `,"deleted":true`...)
	}
	if c.Waiting {
		b = append(b, `,"waiting":true`...)
	}
	if c.hiding != nil {
		b = view.AppendText(append(b, `,"hidden":{"reason":`...), c.hiding.Reason)
		b = append(view.AppendTime(append(b, `,"at":`...), c.hiding.At), '}')
	}
	b = view.AppendText(append(b, `,"author":{"username":`...), c.Username)
	b = view.AppendNullable(append(b, `,"bio":`...), c.Bio)
	b = view.AppendNullable(append(b, `,"image":`...), c.Image)
	b = strconv.AppendBool(append(b, `,"following":`...), c.Following)
	return append(b, "}}"...)
}
