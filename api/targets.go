package api

import (
	"context"
	"strconv"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/visibility"
	"github.com/byline-api/byline/gen/query"
)

// Target is an object that the path of a request identifies.
type Target struct {
	// Kind is the kind of the object, such as "article". It is the value of
	// x-target in openapi.yaml and the name in the 404.
	Kind string
	// Private is true if the object is visible to its owner only, or what the
	// path leads to is: then an article is visible to editors too.
	Private bool
	// Value is the value of the path parameter. It conforms to its schema.
	Value string
}

// object is a target that was found.
type object struct{ id, owner int64 }

// lookup finds the object that a path parameter identifies. If there is none or
// the viewer must not see it, the error is a 404 or one of db.IsNotFound. The
// parent is the object that the path identifies before this one. It is zero if
// this one is the first.
type lookup func(ctx context.Context, conn query.DBTX, value string, parent object) (object, error)

// lookups contains the lookup of each kind of target.
var lookups = map[string]lookup{
	"article": func(ctx context.Context, conn query.DBTX, slug string, _ object) (object, error) {
		a, err := visibility.FindArticle(ctx, conn, slug)
		return object{id: a.ID, owner: a.AuthorID}, err
	},
	"comment": lookupByID(func(ctx context.Context, conn query.DBTX, id int64, article object) (int64, error) {
		viewer := request.Viewer(ctx)
		return q.CommentAuthor(ctx, conn, query.CommentAuthorParams{
			ID: id, ArticleID: article.id, ViewerID: viewer.ID, ViewerLevel: visibility.Level(viewer),
		})
	}),
	"revision": lookupByID(func(ctx context.Context, conn query.DBTX, id int64, article object) (int64, error) {
		return q.RevisionAuthor(ctx, conn, query.RevisionAuthorParams{ArticleID: article.id, Number: int32(id)})
	}),
	"profile": findUser,
	"user":    findUser,
	"tag": func(ctx context.Context, conn query.DBTX, name string, _ object) (object, error) {
		t, err := q.TagFind(ctx, conn, query.TagFindParams{Name: name, Edits: request.Viewer(ctx).Edits()})
		return object{id: t.ID}, err // nobody owns it
	},
	"session": lookupByID(func(ctx context.Context, conn query.DBTX, id int64, _ object) (int64, error) {
		return q.SessionOwner(ctx, conn, id)
	}),
	"preview": func(ctx context.Context, conn query.DBTX, token string, _ object) (object, error) {
		id, err := q.PreviewFind(ctx, conn, auth.HashLinkToken(token))
		return object{id: id}, err // nobody owns it
	},
	"invitation": lookupByID(func(ctx context.Context, conn query.DBTX, id int64, _ object) (int64, error) {
		return q.InvitationFind(ctx, conn, id) // nobody owns it
	}),
	"report": lookupByID(func(ctx context.Context, conn query.DBTX, id int64, _ object) (int64, error) {
		return q.ReportedItemFind(ctx, conn, id) // nobody owns it
	}),
	"series": func(ctx context.Context, conn query.DBTX, slug string, _ object) (object, error) {
		found, err := q.SeriesGet(ctx, conn, slug)
		return object{id: found.ID}, err // nobody owns it
	},
	"apiKey": lookupByID(func(ctx context.Context, conn query.DBTX, id int64, _ object) (int64, error) {
		return q.ApiKeyOwner(ctx, conn, id)
	}),
}

// lookupByID returns a lookup that finds the object by its id. The function
// owner returns the id of the object's owner.
func lookupByID(owner func(ctx context.Context, conn query.DBTX, id int64, parent object) (int64, error)) lookup {
	return func(ctx context.Context, conn query.DBTX, value string, parent object) (object, error) {
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return object{}, err
		}
		ownerID, err := owner(ctx, conn, id, parent)
		return object{id: id, owner: ownerID}, err
	}
}

// findUser finds a user by username. A user is its own owner.
func findUser(ctx context.Context, conn query.DBTX, name string, _ object) (object, error) {
	u, err := q.ProfileGetByUsername(ctx, conn, query.ProfileGetByUsernameParams{Username: name, FoldedUsername: names.Fold(name)})
	return object{id: u.ID, owner: u.ID}, err
}

// HasLookup reports whether the targets of a kind can be looked up.
func HasLookup(kind string) bool { return lookups[kind] != nil }

// Refusal returns the 404 or 403 that takes precedence over a 422, or nil.
// Clients rely on the order 401, 404, 403, 422. The targets are in the order of
// the path. The argument owner is the kind of the target that only its owner
// may use, or ""; editors may use the articles of everybody.
//
// The server calls Refusal only before it refuses a request with 422. The
// operations themselves check their targets in the statement that does the
// work.
func (a *API) Refusal(ctx context.Context, targets []Target, owner string) error {
	var parent object
	var forbidden error
	for _, t := range targets {
		found, err := lookups[t.Kind](ctx, a.db, t.Value, parent)
		switch {
		case err != nil:
			return translate.NotFound(err, t.Kind)
		case t.Private && !mayUse(ctx, found.owner, t.Kind):
			return problem.NotFound(t.Kind)
		case t.Kind == owner && !mayUse(ctx, found.owner, owner):
			forbidden = problem.Forbidden(t.Kind)
		}
		parent = found
	}
	return forbidden
}

// mayUse reports whether the viewer may use an object that only its owner may
// use.
func mayUse(ctx context.Context, ownerID int64, kind string) bool {
	if kind == "article" {
		return request.Viewer(ctx).MayEdit(ownerID)
	}
	return request.Viewer(ctx).ID == ownerID
}
