package filesource

import (
	"encoding/json"

	"github.com/byline-api/byline/db/importer/lenient"
	"github.com/byline-api/byline/db/importer/source"
)

// format is one of the two exports of this service: what its lines are.
type format interface {
	String() string
	hasIDs() bool // of users
	// kindOf returns the kind of rows that lines of a type are, or "".
	kindOf(lineType string) source.Kind
	// These read a line of a type, and note what is lost.
	user(lineType string, text []byte) (source.User, []Note, error)
	article(lineType string, text []byte) (source.Article, []Note, error)
	comment(lineType string, text []byte) (source.Comment, []Note, error)
	favorite(lineType string, text []byte) (source.Favorite, []Note, error)
	follow(lineType string, text []byte) (source.Follow, []Note, error)
}

// hiddenComment is the note about a comment that is left out.
const hiddenComment = "the comment is hidden there, or waits for approval"

// siteFormat is the export of a site.
type siteFormat struct{}

func (siteFormat) String() string { return "the export of a site" }

func (siteFormat) hasIDs() bool { return true }

func (siteFormat) kindOf(lineType string) source.Kind { return siteKinds[lineType] }

var siteKinds = map[string]source.Kind{
	"account": source.Users, "article": source.Articles, "comment": source.Comments, "favorite": source.Favorites, "follow": source.Follows,
}

func (siteFormat) user(_ string, text []byte) (source.User, []Note, error) {
	var l accountLine
	if err := json.Unmarshal(text, &l); err != nil {
		return source.User{}, nil, err
	}
	return userOf(l, string(l.ID))
}

func userOf(l accountLine, key string) (source.User, []Note, error) {
	return source.User{Row: source.Row{Key: key}, Username: l.Username, Email: l.Email, PasswordHash: l.PasswordHash, Bio: l.Bio, Image: l.Image,
		Role: l.Role, CreatedAt: l.CreatedAt.Time, UpdatedAt: l.UpdatedAt.Time,
		SuspendedAt: l.SuspendedAt.Time, SuspensionReason: l.SuspensionReason, EmailVerifiedAt: l.EmailVerifiedAt.Time}, nil, nil
}

func (siteFormat) article(_ string, text []byte) (source.Article, []Note, error) {
	var l articleLine
	if err := json.Unmarshal(text, &l); err != nil {
		return source.Article{}, nil, err
	}
	a, notes := articleOf(l, string(l.ID), string(l.AuthorID))
	return a, notes, nil
}

func articleOf(l articleLine, key, author string) (source.Article, []Note) {
	a := source.Article{Row: source.Row{Key: key}, AuthorKey: author, Slug: l.Slug, Title: l.Title, Description: l.Description, Body: l.Body, Tags: l.Tags,
		Draft: l.Status != "published" && l.Status != "" || l.Hidden != nil, Canonical: l.Canonical, Language: l.Language,
		CreatedAt: l.CreatedAt.Time, UpdatedAt: l.UpdatedAt.Time, PublishedAt: l.PublishedAt.Time}
	if l.Cover != nil {
		a.Cover, a.CoverAlt = l.Cover.URL, l.Cover.Alt
	}
	a.MetaTitle, a.MetaDescription = l.MetaTitle, l.MetaDescription
	if text := string(l.Metadata); text != "null" && text != "{}" {
		a.Metadata = l.Metadata
	}
	a.CommentsClosed = l.CommentsOpen != nil && !*l.CommentsOpen
	for _, s := range append(l.EarlierSlugs, l.Slugs...) {
		if s != l.Slug {
			a.EarlierSlugs = append(a.EarlierSlugs, s)
		}
	}
	return a, lostOf(l)
}

// lostOf notes what is not read of an article. Such notes have no key: they are
// counted, since an export can have many.
func lostOf(l articleLine) (notes []Note) {
	for _, lost := range []struct {
		is   bool
		text string
	}{
		{l.Status == "scheduled", "to be published at a time: they become drafts"},
		{l.Status == "review", "in review: they become drafts"},
		{l.Hidden != nil, "hidden by a moderator: they become drafts"},
		{!l.UnpublishAt.IsZero(), "to be withdrawn at a time, which is left out"},
		{l.Series != nil, "in a series, which is left out"},
		{l.TranslationGroup != nil && *l.TranslationGroup != "", "translations of one another, which is left out"},
	} {
		if lost.is {
			notes = append(notes, Note{Kind: source.Articles, Text: lost.text})
		}
	}
	return notes
}

func (siteFormat) comment(_ string, text []byte) (source.Comment, []Note, error) {
	var l commentLine
	if err := json.Unmarshal(text, &l); err != nil {
		return source.Comment{}, nil, err
	}
	return commentOf(l, string(l.ArticleID), string(l.AuthorID))
}

func commentOf(l commentLine, article, author string) (source.Comment, []Note, error) {
	var notes []Note
	if l.Waiting || l.Hidden != nil {
		notes = append(notes, Note{source.Comments, string(l.ID), hiddenComment})
	}
	return source.Comment{Row: source.Row{Key: string(l.ID)}, ArticleKey: article, AuthorKey: author, ParentKey: string(l.ParentID), Body: l.Body,
		CreatedAt: l.CreatedAt.Time, UpdatedAt: l.UpdatedAt.Time, Deleted: author == "" && l.Body == ""}, notes, nil
}

// hides reports whether a line is a comment that not everybody could see, which
// cannot be imported so. A hidden article becomes a draft.
func (s *NDJSONSource) hides(h head) bool {
	return h.Type == "comment" && (h.Waiting || h.Hidden != nil) && !s.options.HiddenComments
}

// leavesOut reports whether a line is left out. Of a hidden comment that others
// answer, the place stays.
func (s *NDJSONSource) leavesOut(h head) bool { return s.hides(h) && !s.answered[string(h.ID)] }

// answers notes which comments must stay because of a line that is read.
func (s *NDJSONSource) answers(h head) {
	if s.hides(h) {
		s.hidden[string(h.ID)] = string(h.ParentID)
		return
	}
	for id := string(h.ParentID); ; {
		above, isHidden := s.hidden[id]
		if !isHidden || s.answered[id] {
			return
		}
		s.answered[id] = true
		s.kinds[source.Comments].count++
		id = above
	}
}

func (siteFormat) favorite(_ string, text []byte) (source.Favorite, []Note, error) {
	var l favoriteLine
	err := json.Unmarshal(text, &l)
	return favoriteOf(string(l.UserID), string(l.ArticleID), l.CreatedAt), nil, err
}

func favoriteOf(user, article string, created lenient.Time) source.Favorite {
	return source.Favorite{Row: source.Row{Key: user + "/" + article}, UserKey: user, ArticleKey: article, CreatedAt: created.Time}
}

func (siteFormat) follow(_ string, text []byte) (source.Follow, []Note, error) {
	var l followLine
	err := json.Unmarshal(text, &l)
	return followOf(string(l.FollowerID), string(l.FolloweeID), l.CreatedAt), nil, err
}

func followOf(follower, followee string, created lenient.Time) source.Follow {
	return source.Follow{Row: source.Row{Key: follower + "/" + followee}, FollowerKey: follower, FolloweeKey: followee, CreatedAt: created.Time}
}

// accountFormat is the export of one account, by its username.
type accountFormat struct{ username string }

// otherLine has the members of the lines that refer to articles by their slugs
// and to users by their names.
type otherLine struct {
	Article   string       `json:"article"`
	Username  string       `json:"username"`
	CreatedAt lenient.Time `json:"createdAt"`
}

func (accountFormat) String() string { return "the export of an account" }

func (accountFormat) hasIDs() bool { return false }

func (accountFormat) kindOf(lineType string) source.Kind { return accountKinds[lineType] }

var accountKinds = map[string]source.Kind{
	"account": source.Users, "article": source.Articles, "comment": source.Comments, "favorite": source.Favorites,
	"following": source.Follows, "follower": source.Follows,
}

func (f accountFormat) user(_ string, text []byte) (source.User, []Note, error) {
	var l accountLine
	if err := json.Unmarshal(text, &l); err != nil {
		return source.User{}, nil, err
	}
	return userOf(l, f.username)
}

func (f accountFormat) article(_ string, text []byte) (source.Article, []Note, error) {
	var l articleLine
	if err := json.Unmarshal(text, &l); err != nil {
		return source.Article{}, nil, err
	}
	a, notes := articleOf(l, l.Slug, f.username)
	return a, notes, nil
}

func (f accountFormat) comment(_ string, text []byte) (source.Comment, []Note, error) {
	var l commentLine
	var o otherLine
	if err := json.Unmarshal(text, &l); err != nil {
		return source.Comment{}, nil, err
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return source.Comment{}, nil, err
	}
	return commentOf(l, o.Article, f.username)
}

func (f accountFormat) favorite(_ string, text []byte) (source.Favorite, []Note, error) {
	var l otherLine
	err := json.Unmarshal(text, &l)
	return favoriteOf(f.username, l.Article, l.CreatedAt), nil, err
}

func (f accountFormat) follow(lineType string, text []byte) (source.Follow, []Note, error) {
	var l otherLine
	err := json.Unmarshal(text, &l)
	if lineType == "follower" {
		return followOf(l.Username, f.username, l.CreatedAt), nil, err
	}
	return followOf(f.username, l.Username, l.CreatedAt), nil, err
}
