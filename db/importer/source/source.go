// Package source says what an import reads, whatever the old system is. Each
// kind of system has a package that implements Source:
//
//	sqlsource   a live database of an Express backend (Prisma, Sequelize)
//	apisource   a RealWorld API
//	filesource  the JSON export of Ghost, a folder of Markdown, and NDJSON
//
// A source returns rows as the old system has them. It decides nothing: what
// this service refuses is found by the importer, which applies one set of rules
// to all sources.
package source

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Kind is a kind of rows.
type Kind string

// The kinds, in the order in which they are imported: rows refer only to rows of
// kinds before theirs, or to other comments.
const (
	Users     Kind = "users"
	Articles  Kind = "articles"
	Comments  Kind = "comments"
	Favorites Kind = "favorites"
	Follows   Kind = "follows"
)

// Kinds are all kinds, in their order.
var Kinds = []Kind{Users, Articles, Comments, Favorites, Follows}

// Row is what rows of all kinds have.
type Row struct {
	// Key identifies a row among those of its kind, and never changes: the
	// primary key as text. The key of a favorite is that of its user, a slash
	// and that of its article; that of a follow has the two users.
	Key string
	// Position is where the source goes on after this row; see Range.After.
	Position string
}

// User is an account.
type User struct {
	Row
	Username, Email string
	// PasswordHash is as the old system stored it, mostly bcrypt; "" if it is
	// not known.
	PasswordHash string
	Bio, Image   *string // nil if null
	// Role is that of this service, and "" for the usual one.
	Role string
	// Times are zero if they are not known.
	CreatedAt, UpdatedAt time.Time
	// SuspendedAt is when the old system has suspended the account, and zero if
	// it has not. SuspensionReason says why, and may be "".
	SuspendedAt      time.Time
	SuspensionReason string
	// EmailVerifiedAt is when the user has shown to receive mail at the address.
	EmailVerifiedAt time.Time
}

// Article is an article, with its tags in their order.
type Article struct {
	Row
	AuthorKey                      string
	Slug, Title, Description, Body string
	Tags                           []string
	// Draft says that the old system did not show the article.
	Draft                             bool
	CreatedAt, UpdatedAt, PublishedAt time.Time // PublishedAt is CreatedAt if it is zero
	// Language, Cover and Canonical are optional: a language tag (BCP 47), the
	// address of a picture, and that of the article elsewhere.
	Language, Cover, Canonical string
	// CoverAlt describes the picture; MetaTitle and MetaDescription are for search
	// engines; Metadata is a JSON object of the front end's own. All are optional.
	CoverAlt, MetaTitle, MetaDescription string
	Metadata                             json.RawMessage
	// EarlierSlugs lead to the article too.
	EarlierSlugs []string
	// CommentsClosed says that the article takes no new comments.
	CommentsClosed bool
}

// Comment is a comment. ParentKey is that of the comment it replies to, or "".
type Comment struct {
	Row
	ArticleKey, AuthorKey, ParentKey string
	Body                             string
	CreatedAt, UpdatedAt             time.Time
	// Deleted says that the comment was deleted, and stays without its text and
	// author for those that answer it.
	Deleted bool
}

// Favorite says that a user likes an article.
type Favorite struct {
	Row
	UserKey, ArticleKey string
	CreatedAt           time.Time
}

// Follow says that one user follows another.
type Follow struct {
	Row
	FollowerKey, FolloweeKey string
	CreatedAt                time.Time
}

// Range is which rows of a kind a source returns.
type Range struct {
	// After is the Position of the last row that is not wanted again, and ""
	// to begin with the first.
	After string
	// Since, if it is not zero, leaves out rows that have not changed since that
	// time. A source that cannot tell returns all rows.
	Since time.Time
}

// Counts are numbers of rows, exact or estimated: the progress is measured by
// them. A kind may be missing.
type Counts map[Kind]int64

// Source is an old system. Its methods are not called concurrently. A sequence
// ends with its first error. Rows of a kind have the same order each time, so
// that an interrupted import goes on after the last row that it has stored.
type Source interface {
	// Describe returns what is read, without passwords: "Prisma on PostgreSQL,
	// database conduit at db.example.com".
	Describe() string
	// HasIDs says that the keys of users are the ids that the old system gave
	// them, by which its tokens name them. Otherwise they are names or addresses,
	// and a user may have chosen the id of somebody else as a name.
	HasIDs() bool
	// Origin names the old system by what stays the same from run to run: its
	// database or API, or what kind of files are read, since each export can
	// have another name. A run of an import with another origin is refused.
	Origin() string
	Counts(ctx context.Context) (Counts, error)
	Users(ctx context.Context, r Range) iter.Seq2[User, error]
	Articles(ctx context.Context, r Range) iter.Seq2[Article, error]
	Comments(ctx context.Context, r Range) iter.Seq2[Comment, error]
	Favorites(ctx context.Context, r Range) iter.Seq2[Favorite, error]
	Follows(ctx context.Context, r Range) iter.Seq2[Follow, error]
	// Keys returns the keys of all rows of a kind, in any order. The importer
	// finds what the old system has deleted by them.
	Keys(ctx context.Context, kind Kind) iter.Seq2[string, error]
	Close() error
}
