// Package api holds the operations of the service: what openapi.yaml
// describes, on top of what db/queries reads and writes. Nothing here knows
// HTTP servers.
//
//	api.go         the composition: a type for each tag, wired by New
//	targets.go     the objects that paths name: 404 and 403 before 422
//	<tag>.go       the operations of one tag, in the order of the document
//	<tag>_*.go     parts of a tag that need a file of their own
//
// A file of one tag uses nothing from the file of another tag. Code that
// several tags use is in a package below:
//
//	problem        errors that callers may see, each with a code and a status
//	translate      errors of other packages as problems
//	request        facts of a request from the edge: viewer, id, address
//	response       facts of a response for the edge: dependencies, version
//	view           rows rendered as the types of the document
//	publish        who may make articles public and comment; publishing at a time
//	visibility     what a viewer may see; articles as the viewer sees them
//	details        the members of an article that are stored as one object
//	words          how many words a text has, and how long they take to read
//	cards          what pages of articles are put together from
//	page           cursors and pages of lists
//	budget         the length of one response, and the memory of all
//	batch          lists of names in a request
//	optional       values that may be absent
//	idempotency    creating calls that are safe to repeat
//	auth           passwords, tokens, API keys and the viewer they lead to
//	credentials    the same in the database: sessions, keys, secrets; the session
//	               of a request, held while its account is changed
//	signin         verifying passwords, and how often one can be guessed
//	audit          the audit log
//	accounts       changing the accounts of others, for admins
//	mail           mails: the outbox and its worker
//	diff           texts of two revisions, compared line by line
//	markup         Markdown as sanitised HTML, which it keeps
//	lru            values in bounded memory
//	slug           slugs of titles
//	names          which names are accepted, and which are the same
//	tagmerge       the lists of merged tags
//	tagnames       which tags are accepted, and the names that responses show
//	etag           entity tags
//
// To add an endpoint, follow docs/development.md.
package api

import (
	"cmp"
	"context"
	"math"
	"net/url"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/cards"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/api/tagnames"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

//go:generate make -C .. generate

// Deps is what the operations need.
type Deps struct {
	DB        *db.DB
	Passwords signin.Passwords
	Tokens    *auth.Tokens
	APIKeys   *auth.APIKeys
	// Authenticator forgets credentials as soon as an operation revokes them.
	Authenticator *auth.Authenticator
	Cursors       *page.Codec
	Keeper        *idempotency.Keeper
	// Secret is the key of the hashes in the counters of failed sign-ins, so
	// that they do not reveal addresses.
	Secret []byte
	Rules  signin.Rules
	// Publishing are the rules of who may make articles public, and comment.
	Publishing publish.Rules
	// AccountStorage is the maximum size of the articles and comments of an
	// account, in bytes; 0 means that there is none.
	AccountStorage int64
	// ContentBase is the folder that relative addresses in texts refer to
	// (markup.ParseBase); nil = none.
	ContentBase *url.URL
	// PreviewLink is the address of the page that shows previews; {token} is
	// replaced by the token. "" means that there is none.
	PreviewLink string
	// CardBytes bounds what is kept to put pages of articles together, in bytes;
	// 0 keeps nothing.
	CardBytes int
	// Sync waits until every change that had committed before the call has been
	// delivered (changes.Feed); nil means that no other service writes to the
	// database.
	Sync func(context.Context) error
}

// API implements every operation of the document. Each tag has a type with its
// operations and with what they need, in a file of its name.
type API struct {
	users
	sessions
	apiKeys
	recovery
	profiles
	articles
	publishing
	previews
	comments
	favorites
	tags
	series
	moderation
	admin

	// TagNames and Cards have to follow the changes of the database, in this
	// order.
	TagNames *tagnames.Names
	Cards    *cards.Store

	db *db.DB
}

var _ openapi.StrictServerInterface = (*API)(nil)

// New wires the operations.
func New(d Deps) *API {
	once := idempotency.Runner{DB: d.DB, Keeper: d.Keeper}
	storage := cmp.Or(d.AccountStorage, math.MaxInt64)
	names, kept, finder := tagnames.New(d.DB), cards.New(d.DB, d.CardBytes, d.Sync), visibility.NewFinder(d.DB)
	html := markup.NewRenderer(d.ContentBase)
	guard := signin.Guard{DB: d.DB, Passwords: d.Passwords, Secret: d.Secret, Limits: d.Rules.SignIns}
	return &API{
		users:      users{db: d.DB, once: once, tokens: d.Tokens, authenticator: d.Authenticator, guard: guard, rules: d.Rules},
		sessions:   sessions{db: d.DB, once: once, tokens: d.Tokens, authenticator: d.Authenticator, guard: guard},
		previews:   previews{db: d.DB, html: html, link: d.PreviewLink},
		apiKeys:    apiKeys{db: d.DB, once: once, keys: d.APIKeys, authenticator: d.Authenticator, guard: guard, rules: d.Rules},
		recovery:   recovery{db: d.DB, authenticator: d.Authenticator, guard: guard, rules: d.Rules},
		profiles:   profiles{db: d.DB, cursors: d.Cursors},
		articles:   articles{db: d.DB, finder: finder, creator: newArticleCreator(d.DB), once: once, cursors: d.Cursors, html: html, storage: storage, rules: d.Publishing, names: names, cards: kept},
		publishing: publishing{db: d.DB, cursors: d.Cursors, rules: d.Publishing},
		comments:   comments{db: d.DB, creator: newCommentCreator(d.DB), reader: newCommentReader(d.DB), once: once, cursors: d.Cursors, html: html, storage: storage, rules: d.Publishing},
		favorites:  favorites{db: d.DB, finder: finder},
		tags:       tags{db: d.DB, cursors: d.Cursors, names: names},
		series:     series{db: d.DB, once: once, cursors: d.Cursors},
		moderation: moderation{db: d.DB, once: once, cursors: d.Cursors, authenticator: d.Authenticator},
		admin:      admin{db: d.DB, once: once, cursors: d.Cursors, authenticator: d.Authenticator},
		TagNames:   names,
		Cards:      kept,
		db:         d.DB,
	}
}

// q holds the generated queries; it has no state, each query is given its
// connection.
var q = query.New()
