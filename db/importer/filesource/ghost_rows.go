package filesource

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/byline-api/byline/db/importer/lenient"
	"github.com/byline-api/byline/db/importer/source"
)

type ghostUser struct {
	ID        lenient.Key  `json:"id"`
	Name      string       `json:"name"`
	Slug      string       `json:"slug"`
	Email     string       `json:"email"`
	Password  string       `json:"password"`
	Bio       *string      `json:"bio"`
	Image     *string      `json:"profile_image"`
	OldImage  *string      `json:"image"` // before version 1
	Status    string       `json:"status"`
	CreatedAt lenient.Time `json:"created_at"`
	UpdatedAt lenient.Time `json:"updated_at"`
}

type ghostPost struct {
	ID          lenient.Key  `json:"id"`
	Type        string       `json:"type"`
	Page        lenient.Bool `json:"page"` // before version 3
	Status      string       `json:"status"`
	Visibility  string       `json:"visibility"`
	Title       string       `json:"title"`
	Slug        string       `json:"slug"`
	HTML        string       `json:"html"`
	Lexical     string       `json:"lexical"`
	Mobiledoc   string       `json:"mobiledoc"`
	Markdown    string       `json:"markdown"` // before version 1
	Plaintext   string       `json:"plaintext"`
	Excerpt     string       `json:"custom_excerpt"`
	Image       string       `json:"feature_image"`
	OldImage    string       `json:"image"` // before version 1
	Canonical   string       `json:"canonical_url"`
	Locale      string       `json:"locale"`
	AuthorID    lenient.Key  `json:"author_id"`
	CreatedAt   lenient.Time `json:"created_at"`
	UpdatedAt   lenient.Time `json:"updated_at"`
	PublishedAt lenient.Time `json:"published_at"`
}

func (p ghostPost) isPage() bool { return p.Type == "page" || bool(p.Page) }

// ghostRoles are the roles of this service for those of Ghost. Others are the
// usual one.
var ghostRoles = map[string]string{
	"Owner": "admin", "Administrator": "admin", "Super Editor": "editor", "Editor": "editor",
}

// Users implements source.Source.
func (s *GhostSource) Users(_ context.Context, r source.Range) iter.Seq2[source.User, error] {
	return func(yield func(source.User, error) bool) {
		for _, u := range s.users {
			key := string(u.ID)
			if key <= r.After {
				continue
			}
			if !yield(s.user(u, key), nil) {
				return
			}
		}
	}
}

// user returns an account. Ghost suspends accounts (inactive), and locks those
// whose password is not accepted any more until there is a new one.
func (s *GhostSource) user(u ghostUser, key string) source.User {
	out := source.User{Row: source.Row{Key: key, Position: key}, Username: cmp.Or(u.Name, u.Slug), Email: u.Email, PasswordHash: u.Password,
		Bio: u.Bio, Image: s.addressed(cmp.Or(u.Image, u.OldImage)), Role: ghostRoles[s.roles[s.roleOf[key]]],
		CreatedAt: u.CreatedAt.Time, UpdatedAt: u.UpdatedAt.Time}
	switch u.Status {
	case "inactive":
		// Ghost does not note when it was: not after the last change.
		out.SuspendedAt, out.SuspensionReason = u.UpdatedAt.Time, "suspended in Ghost"
		for _, t := range []time.Time{u.CreatedAt.Time, time.Unix(0, 0).UTC()} {
			if out.SuspendedAt.IsZero() {
				out.SuspendedAt = t
			}
		}
	case "locked":
		out.PasswordHash = ""
		s.notes.add(source.Users, key, "the account is locked there until it has a new password: its password is left out")
	}
	return out
}

// addressed puts the address of the site into an address.
func (s *GhostSource) addressed(address *string) *string {
	if address == nil {
		return nil
	}
	text := s.withSite(*address)
	return &text
}

// withSite puts the address of the site where Ghost has left it out. Without
// one, such addresses begin with a slash.
func (s *GhostSource) withSite(text string) string {
	return strings.ReplaceAll(text, "__GHOST_URL__", s.options.SiteURL)
}

// Articles implements source.Source. What not everybody could read is a draft.
func (s *GhostSource) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	return func(yield func(source.Article, error) bool) {
		for _, part := range s.posts {
			if part.key <= r.After {
				continue
			}
			err := ctx.Err()
			var a source.Article
			if err == nil {
				a, err = s.article(part)
			}
			if err != nil {
				yield(source.Article{}, err)
				return
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (s *GhostSource) article(part ghostPart) (a source.Article, err error) {
	text := make([]byte, part.end-part.start)
	if _, err := s.file.ReadAt(text, part.start); err != nil {
		return a, fmt.Errorf("read the post %s at byte %d: %w", part.key, part.start, err)
	}
	var p ghostPost
	if err := json.Unmarshal(text, &p); err != nil {
		return a, fmt.Errorf("the post %s at byte %d: %w", part.key, part.start, member(err))
	}
	a = source.Article{Row: source.Row{Key: part.key, Position: part.key}, AuthorKey: s.authorOf(part.key, string(p.AuthorID)), Slug: p.Slug, Title: p.Title,
		Description: p.Excerpt, Draft: p.Status != "published", Language: p.Locale, Cover: s.withSite(cmp.Or(p.Image, p.OldImage)), Canonical: s.withSite(p.Canonical),
		CreatedAt: p.CreatedAt.Time, UpdatedAt: p.UpdatedAt.Time, PublishedAt: p.PublishedAt.Time}
	if p.Visibility != "" && p.Visibility != "public" && !a.Draft {
		a.Draft = true
		s.notes.add(source.Articles, part.key, "only members could read the post there: it becomes a draft")
	}
	if p.Status == "sent" {
		s.notes.add(source.Articles, part.key, "the post was only sent by mail there: it becomes a draft")
	}
	if s.options.SiteURL == "" && bytes.Contains(text, []byte("__GHOST_URL__")) {
		s.notes.add(source.Articles, part.key, "addresses in the post begin with a slash, since the address of the site is not known")
	}
	var lost []string
	a.Body, lost = s.body(p)
	for _, what := range lost {
		s.notes.add(source.Articles, part.key, "left out of the text: "+what)
	}
	for _, l := range s.of[part.key].tags {
		if tag, found := s.tags[string(l.TagID)]; found && tag.Visibility != "internal" && !strings.HasPrefix(tag.Name, "#") {
			a.Tags = append(a.Tags, tag.Name)
		}
	}
	return a, nil
}

// authorOf returns the first author of a post.
func (s *GhostSource) authorOf(post, author string) string {
	if links := s.of[post].authors; len(links) > 0 {
		return string(links[0].AuthorID)
	}
	return author
}

// body returns the text of a post as Markdown, and what it could not keep.
func (s *GhostSource) body(p ghostPost) (body string, lost []string) {
	html := p.HTML
	var err error
	switch {
	case html != "" || p.Lexical+p.Mobiledoc == "":
	case p.Lexical != "":
		html, lost, err = lexicalHTML(p.Lexical)
	default:
		html, lost, err = mobiledocHTML(p.Mobiledoc)
	}
	if err == nil && html != "" {
		var more []string
		body, more, err = s.texts.markdown(s.withSite(html))
		lost = append(lost, more...)
	}
	if err != nil {
		lost = []string{"all formatting, since the text cannot be read (" + err.Error() + ")"}
		body = ""
	}
	if body == "" {
		body = s.withSite(cmp.Or(p.Markdown, p.Plaintext))
	}
	return body, lost
}
