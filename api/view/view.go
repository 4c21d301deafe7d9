// Package view converts rows to the types of the document, so that all
// operations show the same things in the same way.
package view

import (
	"context"
	"slices"
	"time"

	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// Timestamp renders a time as the contract demands: RFC 3339 in UTC, with
// exactly three fraction digits.
func Timestamp(t time.Time) openapi.Timestamp {
	return string(AppendTimestamp(make([]byte, 0, len("2006-01-02T15:04:05.000Z")), t))
}

// AppendTimestamp appends a time as Timestamp renders it. Package time has a
// fast path for RFC 3339 without a fraction: a layout with one takes 3.6 times
// as long, and a page of 20 articles has 40 times.
func AppendTimestamp(b []byte, t time.Time) []byte {
	t = t.UTC()
	b = t.AppendFormat(b, time.RFC3339)
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(b[:len(b)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// TimestampOrNull renders a time that may be NULL.
func TimestampOrNull(t *time.Time) *openapi.Timestamp {
	if t == nil {
		return nil
	}
	return new(Timestamp(*t))
}

// Profile renders what others see of a user.
func Profile(username string, bio, image *string, following bool) openapi.Profile {
	return openapi.Profile{Username: username, Bio: bio, Image: image, Following: following}
}

// RevisionAuthor renders what others see of a user who wrote a text, or nil if
// the account no longer exists.
func RevisionAuthor(username string, bio, image *string, following bool) *openapi.RevisionAuthor {
	if username == "" {
		return nil
	}
	return &openapi.RevisionAuthor{Username: username, Bio: bio, Image: image, Following: following}
}

// Tags returns the names of an article's tags in the order in which responses
// show them: that of the author, or sorted by their bytes.
func Tags(ctx context.Context, tags []string) []string {
	info := request.From(ctx)
	if info.NameTags != nil {
		tags = info.NameTags(tags)
	}
	if info.SortTags {
		tags = slices.Clone(tags) // an empty list stays one
		slices.Sort(tags)
	}
	return tags
}

// Summary renders an article as lists show it. The lists of GetArticles and the
// feed encode the same JSON without it (articlePage in package api).
func Summary(ctx context.Context, a query.ArticleItem) openapi.ArticleSummary {
	out := openapi.ArticleSummary{
		Slug: a.Slug, Title: a.Title, Description: a.Description, TagList: Tags(ctx, a.Tags),
		CreatedAt: Timestamp(a.CreatedAt), UpdatedAt: Timestamp(a.UpdatedAt),
		Favorited: a.Favorited, FavoritesCount: a.FavoritesCount,
		Author: Profile(a.Username, a.Bio, a.Image, a.Following),
	}
	if request.Viewer(ctx).MayEdit(a.AuthorID) {
		out.Status, out.PublishedAt = new(openapi.StatusPublished), new(Timestamp(a.PublishedAt))
	}
	return out
}

// OwnSummary renders an article, in any state, for a viewer who may change it.
func OwnSummary(ctx context.Context, a query.OwnArticleItem) openapi.ArticleSummary {
	status := openapi.ArticleStatus(a.Status)
	return openapi.ArticleSummary{
		Slug: a.Slug, Title: a.Title, Description: a.Description, TagList: Tags(ctx, a.Tags),
		CreatedAt: Timestamp(a.CreatedAt), UpdatedAt: Timestamp(a.UpdatedAt),
		Status: &status, PublishedAt: TimestampOrNull(a.PublishedAt),
		Favorited: a.Favorited, FavoritesCount: a.FavoritesCount,
		Author: Profile(a.Username, a.Bio, a.Image, a.Following),
	}
}

// Article renders an article with its body. html and hidden may be nil.
func Article(ctx context.Context, a query.ArticleItem, body string, html *markup.Text, hidden *openapi.Hidden) openapi.Article {
	out := openapi.Article{
		Slug: a.Slug, Title: a.Title, Description: a.Description, TagList: Tags(ctx, a.Tags), Body: body,
		CreatedAt: Timestamp(a.CreatedAt), UpdatedAt: Timestamp(a.UpdatedAt),
		Favorited: a.Favorited, FavoritesCount: a.FavoritesCount,
		Author: Profile(a.Username, a.Bio, a.Image, a.Following), Hidden: hidden,
	}
	if html != nil {
		contents := make([]openapi.Heading, len(html.Contents))
		for i, h := range html.Contents {
			contents[i] = openapi.Heading{Level: int32(h.Level), Id: h.ID, Text: h.Text}
		}
		out.BodyHtml, out.TableOfContents = &html.HTML, &contents
	}
	return out
}

// ArticleSize returns how many bytes of JSON the texts of an article may take.
// html may be nil.
func ArticleSize(body string, html *markup.Text) int {
	n := Size(body)
	if html != nil {
		n += Size(html.HTML)
		for _, h := range html.Contents {
			n += len(`{"id":"","level":1,"text":""},`) + Size(h.ID) + Size(h.Text)
		}
	}
	return n
}

// Hidden renders why and when something was hidden.
func Hidden(reason string, at time.Time) *openapi.Hidden {
	return &openapi.Hidden{Reason: reason, At: Timestamp(at)}
}
