// Package translate converts errors to the problems that callers see. No other
// package does.
package translate

import (
	"context"
	"errors"
	"fmt"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
)

// violations returns the problem for the violation of each constraint. If a
// user does not exist, it is the caller, whose account was deleted.
var violations = map[db.Constraint]func() *problem.Error{
	db.UsersUsernameKey:           usernameTaken,
	db.UsersFoldedUsernameKey:     usernameTaken,
	db.UsersEmailKey:              func() *problem.Error { return problem.New(problem.AlreadyTaken, "email", problem.Taken) },
	db.ArticleSlugsPkey:           slugTaken,
	db.DraftSlugsPkey:             slugTaken,
	db.APIKeysMaximum:             func() *problem.Error { return problem.InvalidField("apiKey", "maximum of 50 reached") },
	db.SeriesSlugKey:              func() *problem.Error { return problem.New(problem.AlreadyTaken, "slug", problem.Taken) },
	db.InvitationsEmailKey:        func() *problem.Error { return problem.New(problem.AlreadyTaken, "email", "has already been invited") },
	db.InvitationsMaximum:         func() *problem.Error { return problem.InvalidField("invitation", "maximum of 1000 reached") },
	db.InvitationsInvitedByFkey:   unknownViewer,
	db.UsersLastAdmin:             func() *problem.Error { return problem.InvalidField("role", "there must be another admin") },
	db.FollowsSelfCheck:           func() *problem.Error { return problem.InvalidField("username", "can't be yourself") },
	db.BlocksSelfCheck:            func() *problem.Error { return problem.InvalidField("username", "can't be yourself") },
	db.BlocksBlockerIDFkey:        unknownViewer,
	db.BlocksBlockedIDFkey:        func() *problem.Error { return problem.NotFound("profile") },
	db.FollowsBlock:               func() *problem.Error { return refusedByBlock("profile") },
	db.CommentsBlock:              func() *problem.Error { return refusedByBlock("article") },
	db.FollowsFollowerIDFkey:      unknownViewer,
	db.FavoritesUserIDFkey:        unknownViewer,
	db.ArticlesAuthorIDFkey:       unknownViewer,
	db.CommentsAuthorIDFkey:       unknownViewer,
	db.HiddenFavoritesUserIDFkey:  unknownViewer,
	db.HiddenItemsHiddenByFkey:    unknownViewer,
	db.ReportsMaximum:             func() *problem.Error { return problem.InvalidField("report", "maximum of 100 open reports reached") },
	db.ReportsReporterIDFkey:      unknownViewer,
	db.ReportedItemsDecidedByFkey: unknownViewer,
	db.SessionsUserIDFkey:         unknownViewer,
	db.APIKeysUserIDFkey:          unknownViewer,
	db.MailsUserIDFkey:            unknownViewer,
	db.OldTokensUserIDFkey:        unknownViewer,
	db.PreviewsCreatedByFkey:      unknownViewer,
	db.SignInPlacesUserIDFkey:     unknownViewer,
	db.CommentsParentIDFkey:       func() *problem.Error { return problem.InvalidField("parentId", "was deleted") },
	db.CommentsWaitingMaximum: func() *problem.Error {
		return problem.InvalidField("comment", "maximum of 20 that wait for approval reached")
	},
	db.FollowsFolloweeIDFkey:     func() *problem.Error { return problem.NotFound("profile") },
	db.FavoritesArticleIDFkey:    func() *problem.Error { return problem.NotFound("article") },
	db.CommentsArticleIDFkey:     func() *problem.Error { return problem.NotFound("article") },
	db.ArticleSlugsArticleIDFkey: func() *problem.Error { return problem.NotFound("article") },
}

func usernameTaken() *problem.Error {
	return problem.New(problem.AlreadyTaken, "username", problem.Taken)
}

// refusedByBlock returns the 403 for both sides of a block. It does not say who
// has blocked whom.
func refusedByBlock(resource string) *problem.Error {
	return problem.Forbidden(resource).WithDetail("You can't interact with this user.")
}

func slugTaken() *problem.Error { return problem.New(problem.AlreadyTaken, "slug", problem.Taken) }

func unknownViewer() *problem.Error {
	return problem.New(problem.TokenInvalid, "token", "is invalid")
}

// Problem returns the problem that a caller sees for an error: a problem
// unchanged, a violated constraint by its name, an unavailable database as 503,
// and every other error as 500 without its cause.
func Problem(err error) *problem.Error {
	if p := problem.From(err); p != nil {
		return p
	}
	if meaning, ok := violations[db.Violated(err)]; ok {
		return meaning().WithCause(err)
	}
	if errors.Is(err, auth.ErrBusy) {
		return problem.Unavailable(problem.Overloaded, 1, err)
	}
	if db.IsUnavailable(err) || errors.Is(err, context.Canceled) {
		return problem.Unavailable(problem.DatabaseUnavailable, 1, err)
	}
	return problem.Internal(err)
}

// RefusedToken returns the problem for the token in a field. err is an error of
// package auth, or nil if there is no token. Other errors are returned
// unchanged.
func RefusedToken(field string, err error) error {
	switch {
	case err == nil:
		return problem.New(problem.TokenMissing, field, "is missing")
	case errors.Is(err, auth.ErrTokenExpired):
		return problem.New(problem.TokenExpired, field, "has expired")
	case errors.Is(err, auth.ErrSchemeMissing):
		return problem.New(problem.TokenInvalid, field, "is invalid").
			WithDetail("The Authorization header must be the scheme Token or Bearer, a space and the token.")
	case errors.Is(err, auth.ErrTokenInvalid):
		return problem.New(problem.TokenInvalid, field, "is invalid")
	}
	return err
}

// NotFound converts the error that a query returned no row to a 404 for a kind
// of resource. Other errors are returned unchanged.
func NotFound(err error, resource string) error {
	if db.IsNotFound(err) {
		return problem.NotFound(resource)
	}
	return err
}

// StorageFull converts the error that an account would store more text than the
// maximum, in bytes, to a 422 that names the maximum. Other errors are returned
// unchanged.
func StorageFull(err error, maximum int64) error {
	if db.Violated(err) == db.UsersStorageMaximum {
		return problem.InvalidField("storage", fmt.Sprintf("maximum of %d bytes reached", maximum)).WithCause(err)
	}
	return err
}

// UnknownViewer converts the error that a query returned no row to a 401: the
// account of the token was deleted. Other errors are returned unchanged.
func UnknownViewer(err error) error {
	if db.IsNotFound(err) {
		return unknownViewer()
	}
	return err
}
