package filesource

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"github.com/byline-api/byline/db/importer/lenient"
	"github.com/byline-api/byline/db/importer/source"
)

// formatVersion is the version of the site export that is read and written.
const formatVersion = 1

// The lines of a site export. docs/export.md describes them, and db/exporter
// writes more members than are read here.
type (
	head struct {
		Type     string          `json:"type"`
		Version  int             `json:"version,omitempty"`
		Records  *int64          `json:"records,omitempty"`
		Waiting  bool            `json:"waiting,omitempty"` // of a comment
		Hidden   *struct{}       `json:"hidden,omitempty"`  // of an article or a comment
		ID       json.RawMessage `json:"id,omitempty"`
		ParentID json.RawMessage `json:"parentId,omitempty"` // of a comment
	}
	accountLine struct {
		Type             string       `json:"type"`
		ID               lenient.Key  `json:"id"`
		Username         string       `json:"username"`
		Email            string       `json:"email"`
		PasswordHash     string       `json:"passwordHash,omitempty"`
		Bio              *string      `json:"bio"`
		Image            *string      `json:"image"`
		Role             string       `json:"role,omitempty"`
		CreatedAt        lenient.Time `json:"createdAt,omitzero"`
		UpdatedAt        lenient.Time `json:"updatedAt,omitzero"`
		SuspendedAt      lenient.Time `json:"suspendedAt,omitzero"`
		SuspensionReason string       `json:"suspensionReason,omitempty"`
		EmailVerifiedAt  lenient.Time `json:"emailVerifiedAt,omitzero"`
	}
	articleLine struct {
		Type            string          `json:"type"`
		ID              lenient.Key     `json:"id"`
		AuthorID        lenient.Key     `json:"authorId"`
		Slug            string          `json:"slug"`
		Status          string          `json:"status"`
		Hidden          *struct{}       `json:"hidden,omitempty"`
		Title           string          `json:"title"`
		Description     string          `json:"description"`
		Body            string          `json:"body"`
		Tags            lenient.Tags    `json:"tagList"`
		Cover           *coverMember    `json:"coverImage,omitempty"`
		Canonical       string          `json:"canonicalUrl,omitempty"`
		Language        string          `json:"language,omitempty"`
		CreatedAt       lenient.Time    `json:"createdAt,omitzero"`
		UpdatedAt       lenient.Time    `json:"updatedAt,omitzero"`
		PublishedAt     lenient.Time    `json:"publishedAt,omitzero"`
		MetaTitle       string          `json:"metaTitle,omitempty"`
		MetaDescription string          `json:"metaDescription,omitempty"`
		Metadata        json.RawMessage `json:"metadata,omitempty"`
		CommentsOpen    *bool           `json:"commentsOpen,omitempty"` // nil means true
		EarlierSlugs    []string        `json:"earlierSlugs,omitempty"`
		// In the export of an account, with the present one.
		Slugs []string `json:"slugs,omitempty"`
		// These are only noted.
		UnpublishAt      lenient.Time `json:"unpublishAt,omitzero"`
		Series           *struct{}    `json:"series,omitempty"`
		TranslationGroup *lenient.Key `json:"translationGroup,omitempty"`
	}
	coverMember struct {
		URL string `json:"url"`
		Alt string `json:"alt,omitempty"`
	}
	commentLine struct {
		Type      string       `json:"type"`
		ID        lenient.Key  `json:"id"`
		ArticleID lenient.Key  `json:"articleId"`
		AuthorID  lenient.Key  `json:"authorId"`
		ParentID  lenient.Key  `json:"parentId"`
		Body      string       `json:"body"`
		Waiting   bool         `json:"waiting,omitempty"`
		Hidden    *struct{}    `json:"hidden,omitempty"`
		CreatedAt lenient.Time `json:"createdAt,omitzero"`
		UpdatedAt lenient.Time `json:"updatedAt,omitzero"`
	}
	favoriteLine struct {
		Type      string       `json:"type"`
		UserID    lenient.Key  `json:"userId"`
		ArticleID lenient.Key  `json:"articleId"`
		CreatedAt lenient.Time `json:"createdAt,omitzero"`
	}
	followLine struct {
		Type       string       `json:"type"`
		FollowerID lenient.Key  `json:"followerId"`
		FolloweeID lenient.Key  `json:"followeeId"`
		CreatedAt  lenient.Time `json:"createdAt,omitzero"`
	}
)

// Writer writes rows as a site export, which NDJSON reads again. The rows of a
// kind keep their order; kinds may be mixed.
type Writer struct {
	buffer  *bufio.Writer
	records int64
	err     error
}

// NewWriter begins an export.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{buffer: bufio.NewWriterSize(w, 64<<10)}
	out.line(head{Type: "site", Version: formatVersion})
	return out
}

// line writes a record. It keeps the first error for End, as bufio does.
func (w *Writer) line(record any) {
	w.records++
	text, err := json.Marshal(record)
	if err != nil && w.err == nil {
		w.err = err
	}
	_, _ = w.buffer.Write(append(text, '\n')) // End returns its error
}

// User writes an account.
func (w *Writer) User(u source.User) {
	w.line(accountLine{Type: "account", ID: lenient.Key(u.Key), Username: u.Username, Email: u.Email, PasswordHash: u.PasswordHash, Bio: u.Bio, Image: u.Image,
		Role: u.Role, CreatedAt: at(u.CreatedAt), UpdatedAt: at(u.UpdatedAt),
		SuspendedAt: at(u.SuspendedAt), SuspensionReason: u.SuspensionReason, EmailVerifiedAt: at(u.EmailVerifiedAt)})
}

// Article writes an article.
func (w *Writer) Article(a source.Article) {
	line := articleLine{Type: "article", ID: lenient.Key(a.Key), AuthorID: lenient.Key(a.AuthorKey), Slug: a.Slug, Status: "published", Title: a.Title,
		Description: a.Description, Body: a.Body, Tags: a.Tags, Canonical: a.Canonical, Language: a.Language,
		CreatedAt: at(a.CreatedAt), UpdatedAt: at(a.UpdatedAt), PublishedAt: at(a.PublishedAt),
		MetaTitle: a.MetaTitle, MetaDescription: a.MetaDescription, Metadata: a.Metadata, EarlierSlugs: a.EarlierSlugs}
	if a.CommentsClosed {
		line.CommentsOpen = new(bool)
	}
	if a.Draft {
		line.Status = "draft"
	}
	if a.Cover != "" {
		line.Cover = &coverMember{a.Cover, a.CoverAlt}
	}
	w.line(line)
}

// Comment writes a comment.
func (w *Writer) Comment(c source.Comment) {
	w.line(commentLine{Type: "comment", ID: lenient.Key(c.Key), ArticleID: lenient.Key(c.ArticleKey), AuthorID: lenient.Key(c.AuthorKey),
		ParentID: lenient.Key(c.ParentKey), Body: c.Body, CreatedAt: at(c.CreatedAt), UpdatedAt: at(c.UpdatedAt)})
}

// Favorite writes a favorite.
func (w *Writer) Favorite(f source.Favorite) {
	w.line(favoriteLine{Type: "favorite", UserID: lenient.Key(f.UserKey), ArticleID: lenient.Key(f.ArticleKey), CreatedAt: at(f.CreatedAt)})
}

// Follow writes a follow.
func (w *Writer) Follow(f source.Follow) {
	w.line(followLine{Type: "follow", FollowerID: lenient.Key(f.FollowerKey), FolloweeID: lenient.Key(f.FolloweeKey), CreatedAt: at(f.CreatedAt)})
}

// End writes the last line and returns the first error of all lines.
func (w *Writer) End() error {
	records := w.records
	w.line(head{Type: "end", Records: &records})
	if w.err != nil {
		return w.err
	}
	return w.buffer.Flush()
}

// at returns a time as it is written. JSON has no years beyond 9999.
func at(t time.Time) lenient.Time {
	if t.Year() < 0 || t.Year() > 9999 {
		t = time.Time{}
	}
	return lenient.Time{Time: t}
}
