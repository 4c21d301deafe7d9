// Package translate turns errors into the problems that callers may see. It is
// the one place that does.
package translate

import (
	"context"
	"errors"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
)

// violations says what the violation of each constraint means to a caller. A
// user who does not exist is the caller: the token outlived the account.
var violations = map[db.Constraint]func() *problem.Error{
	db.UsersUsernameKey:          func() *problem.Error { return problem.New(problem.AlreadyTaken, "username", problem.Taken) },
	db.UsersEmailKey:             func() *problem.Error { return problem.New(problem.AlreadyTaken, "email", problem.Taken) },
	db.UsersLastAdmin:            func() *problem.Error { return problem.InvalidField("role", "there must be another admin") },
	db.FollowsSelfCheck:          func() *problem.Error { return problem.InvalidField("username", "can't be yourself") },
	db.FollowsFollowerIDFkey:     unknownViewer,
	db.FavoritesUserIDFkey:       unknownViewer,
	db.ArticlesAuthorIDFkey:      unknownViewer,
	db.CommentsAuthorIDFkey:      unknownViewer,
	db.HiddenFavoritesUserIDFkey: unknownViewer,
	db.HiddenItemsHiddenByFkey:   unknownViewer,
	db.SessionsUserIDFkey:        unknownViewer,
	db.APIKeysUserIDFkey:         unknownViewer,
	db.MailsUserIDFkey:           unknownViewer,
	db.SignInPlacesUserIDFkey:    unknownViewer,
	db.FollowsFolloweeIDFkey:     func() *problem.Error { return problem.NotFound("profile") },
	db.FavoritesArticleIDFkey:    func() *problem.Error { return problem.NotFound("article") },
	db.CommentsArticleIDFkey:     func() *problem.Error { return problem.NotFound("article") },
	db.ArticleSlugsArticleIDFkey: func() *problem.Error { return problem.NotFound("article") },
}

func unknownViewer() *problem.Error {
	return problem.New(problem.TokenInvalid, "token", "is invalid")
}

// Problem returns what a caller is told of an error: a problem as it is, a
// violated constraint by its name, a database that is unavailable as 503, and
// every other error as 500 without a word of the cause.
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

// RefusedToken returns why the token in a field is refused: err is of package
// auth, or nil when there is no token. Other errors are returned unchanged.
func RefusedToken(field string, err error) error {
	switch {
	case err == nil:
		return problem.New(problem.TokenMissing, field, "is missing")
	case errors.Is(err, auth.ErrTokenExpired):
		return problem.New(problem.TokenExpired, field, "has expired")
	case errors.Is(err, auth.ErrTokenInvalid):
		return problem.New(problem.TokenInvalid, field, "is invalid")
	}
	return err
}

// NotFound turns "no row" into a 404 for the kind of resource. Other errors
// are returned unchanged.
func NotFound(err error, resource string) error {
	if db.IsNotFound(err) {
		return problem.NotFound(resource)
	}
	return err
}

// UnknownViewer turns "no row" into the 401 of a token that outlived its
// account. Other errors are returned unchanged.
func UnknownViewer(err error) error {
	if db.IsNotFound(err) {
		return unknownViewer()
	}
	return err
}
