package apisource

import (
	"encoding/json"

	"github.com/byline-api/byline/db/importer/lenient"
	"github.com/byline-api/byline/db/importer/source"
)

// The responses of the contract, with what backends have beyond it and what some
// leave out. Members that are not named here do not matter.
type (
	articlesResponse struct {
		Articles []struct {
			Slug string `json:"slug"`
		} `json:"articles"`
		ArticlesCount *int64 `json:"articlesCount"`
		NextCursor    string `json:"nextCursor"` // of Byline
	}
	articleResponse struct {
		Article *article `json:"article"`
	}
	commentsResponse struct {
		Comments   []comment `json:"comments"`
		NextCursor string    `json:"nextCursor"` // of Byline
	}
	profileResponse struct {
		Profile *profile `json:"profile"`
	}
	userResponse struct {
		User struct {
			Username string `json:"username"`
			Email    string `json:"email"`
		} `json:"user"`
	}
)

type article struct {
	Slug        string       `json:"slug"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Body        string       `json:"body"`
	Tags        lenient.Tags `json:"tagList"`
	Author      profile      `json:"author"`
	CreatedAt   lenient.Time `json:"createdAt"`
	UpdatedAt   lenient.Time `json:"updatedAt"`

	// Members of Byline.
	Status      string       `json:"status"`
	PublishedAt lenient.Time `json:"publishedAt"`
	Cover       struct {
		URL string `json:"url"`
		Alt string `json:"alt"`
	} `json:"coverImage"`
	Canonical       string          `json:"canonicalUrl"`
	MetaTitle       string          `json:"metaTitle"`
	MetaDescription string          `json:"metaDescription"`
	Language        string          `json:"language"`
	Metadata        json.RawMessage `json:"metadata"`
	CommentsOpen    *bool           `json:"commentsOpen"` // nil means true
}

func (a article) row() source.Article {
	return source.Article{Row: source.Row{Key: a.Slug}, AuthorKey: a.Author.Username, Slug: a.Slug, Title: a.Title, Description: a.Description, Body: a.Body,
		Tags: a.Tags, Draft: a.Status != "" && a.Status != "published", CreatedAt: a.CreatedAt.Time, UpdatedAt: a.UpdatedAt.Time, PublishedAt: a.PublishedAt.Time,
		Language: a.Language, Cover: a.Cover.URL, CoverAlt: a.Cover.Alt, Canonical: a.Canonical, MetaTitle: a.MetaTitle, MetaDescription: a.MetaDescription,
		Metadata: a.Metadata, CommentsClosed: a.CommentsOpen != nil && !*a.CommentsOpen}
}

type comment struct {
	ID        lenient.Key  `json:"id"`
	Body      string       `json:"body"`
	Author    profile      `json:"author"`
	CreatedAt lenient.Time `json:"createdAt"`
	UpdatedAt lenient.Time `json:"updatedAt"`

	// Members of Byline. Moderators see comments that others do not.
	ParentID lenient.Key     `json:"parentId"`
	Waiting  bool            `json:"waiting"`
	Hidden   json.RawMessage `json:"hidden"`
}

func (c comment) isHidden() bool {
	return c.Waiting || len(c.Hidden) > 0 && string(c.Hidden) != "null" && string(c.Hidden) != "false"
}

func (c comment) row(article string) source.Comment {
	return source.Comment{Row: source.Row{Key: string(c.ID)}, ArticleKey: article, AuthorKey: c.Author.Username, ParentKey: string(c.ParentID), Body: c.Body,
		CreatedAt: c.CreatedAt.Time, UpdatedAt: c.UpdatedAt.Time}
}

// profile is a user as responses show one. Some backends show only the name in
// articles and comments.
type profile struct {
	Username   string
	Bio, Image *string
	Following  bool
	complete   bool // it has a bio, which may be null
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *profile) UnmarshalJSON(data []byte) error {
	*p = profile{}
	if data[0] == '"' { // only the name
		return json.Unmarshal(data, &p.Username)
	}
	var members struct {
		Username  string          `json:"username"`
		Bio       json.RawMessage `json:"bio"`
		Image     *string         `json:"image"`
		Following lenient.Bool    `json:"following"`
	}
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	p.Username, p.Image, p.Following, p.complete = members.Username, members.Image, bool(members.Following), members.Bio != nil
	if members.Bio == nil {
		return nil
	}
	return json.Unmarshal(members.Bio, &p.Bio)
}
