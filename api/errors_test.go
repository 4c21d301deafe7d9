package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/server/servertest"
)

func TestProblem(t *testing.T) {
	t.Parallel()
	const secret = "a secret of the cause"
	violation := func(c db.Constraint) error {
		return fmt.Errorf("insert: %w", &pgconn.PgError{Code: "23505", ConstraintName: string(c), Message: secret, Detail: secret})
	}
	code := func(sqlState string) error { return &pgconn.PgError{Code: sqlState, Message: secret} }
	// requirePublicProblem checks what a client sees, and that it does not
	// contain the cause.
	requirePublicProblem := func(t *testing.T, err error, want problem.Code, fields problem.Fields) {
		t.Helper()
		p := translate.Problem(err)
		require.Equal(t, want, p.Code)
		require.Equal(t, fields, p.Fields)
		public, encodeErr := json.Marshal([]any{p.Code, p.Detail, p.Fields})
		require.NoError(t, encodeErr)
		require.NotContains(t, string(public), secret)
		require.NotEmpty(t, p.Detail)
		require.NotZero(t, p.Status())
	}

	meanings := map[db.Constraint]struct {
		code   problem.Code
		fields problem.Fields
	}{
		db.UsersUsernameKey:           {problem.AlreadyTaken, oneField("username", "has already been taken")},
		db.UsersFoldedUsernameKey:     {problem.AlreadyTaken, oneField("username", "has already been taken")},
		db.UsersEmailKey:              {problem.AlreadyTaken, oneField("email", "has already been taken")},
		db.FollowsSelfCheck:           {problem.ValidationFailed, oneField("username", "can't be yourself")},
		db.FollowsFollowerIDFkey:      {problem.TokenInvalid, oneField("token", "is invalid")},
		db.FavoritesUserIDFkey:        {problem.TokenInvalid, oneField("token", "is invalid")},
		db.ArticlesAuthorIDFkey:       {problem.TokenInvalid, oneField("token", "is invalid")},
		db.CommentsAuthorIDFkey:       {problem.TokenInvalid, oneField("token", "is invalid")},
		db.HiddenFavoritesUserIDFkey:  {problem.TokenInvalid, oneField("token", "is invalid")},
		db.HiddenItemsHiddenByFkey:    {problem.TokenInvalid, oneField("token", "is invalid")},
		db.ArticleSlugsPkey:           {problem.AlreadyTaken, oneField("slug", "has already been taken")},
		db.DraftSlugsPkey:             {problem.AlreadyTaken, oneField("slug", "has already been taken")},
		db.APIKeysMaximum:             {problem.ValidationFailed, oneField("apiKey", "maximum of 50 reached")},
		db.InvitationsEmailKey:        {problem.AlreadyTaken, oneField("email", "has already been invited")},
		db.InvitationsMaximum:         {problem.ValidationFailed, oneField("invitation", "maximum of 1000 reached")},
		db.InvitationsInvitedByFkey:   {problem.TokenInvalid, oneField("token", "is invalid")},
		db.UsersLastAdmin:             {problem.ValidationFailed, oneField("role", "there must be another admin")},
		db.PreviewsCreatedByFkey:      {problem.TokenInvalid, oneField("token", "is invalid")},
		db.BlocksSelfCheck:            {problem.ValidationFailed, oneField("username", "can't be yourself")},
		db.BlocksBlockerIDFkey:        {problem.TokenInvalid, oneField("token", "is invalid")},
		db.BlocksBlockedIDFkey:        {problem.NotFoundCode, oneField("profile", "not found")},
		db.FollowsBlock:               {problem.ForbiddenCode, oneField("profile", "forbidden")},
		db.CommentsBlock:              {problem.ForbiddenCode, oneField("article", "forbidden")},
		db.ReportsMaximum:             {problem.ValidationFailed, oneField("report", "maximum of 100 open reports reached")},
		db.ReportsReporterIDFkey:      {problem.TokenInvalid, oneField("token", "is invalid")},
		db.ReportedItemsDecidedByFkey: {problem.TokenInvalid, oneField("token", "is invalid")},
		db.SessionsUserIDFkey:         {problem.TokenInvalid, oneField("token", "is invalid")},
		db.OldTokensUserIDFkey:        {problem.TokenInvalid, oneField("token", "is invalid")},
		db.APIKeysUserIDFkey:          {problem.TokenInvalid, oneField("token", "is invalid")},
		db.MailsUserIDFkey:            {problem.TokenInvalid, oneField("token", "is invalid")},
		db.SignInPlacesUserIDFkey:     {problem.TokenInvalid, oneField("token", "is invalid")},
		db.CommentsParentIDFkey:       {problem.ValidationFailed, oneField("parentId", "was deleted")},
		db.CommentsWaitingMaximum:     {problem.ValidationFailed, oneField("comment", "maximum of 20 that wait for approval reached")},
		db.FollowsFolloweeIDFkey:      {problem.NotFoundCode, oneField("profile", "not found")},
		db.FavoritesArticleIDFkey:     {problem.NotFoundCode, oneField("article", "not found")},
		db.CommentsArticleIDFkey:      {problem.NotFoundCode, oneField("article", "not found")},
		db.ArticleSlugsArticleIDFkey:  {problem.NotFoundCode, oneField("article", "not found")},
	}
	// Operations handle these: by naming what was to be reported, and by naming
	// the maximum that the service was started with.
	handled := []db.Constraint{db.ReportedItemsAuthorIDFkey, db.UsersStorageMaximum}
	for _, c := range db.Constraints {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			meaning, known := meanings[c]
			require.NotEqual(t, slices.Contains(handled, c), known, "a constraint needs a meaning, or an operation that deals with it")
			if !known {
				requirePublicProblem(t, violation(c), problem.InternalCode, oneField("server", "internal error"))
				return
			}
			requirePublicProblem(t, violation(c), meaning.code, meaning.fields)
			require.ErrorContains(t, translate.Problem(violation(c)), secret, "the log tells the cause")
		})
	}

	unavailable, internal := oneField("server", "is unavailable"), oneField("server", "internal error")
	for label, test := range map[string]struct {
		err    error
		code   problem.Code
		fields problem.Fields
	}{
		"Problem":           {fmt.Errorf("%s: %w", secret, problem.NotFound("article")), problem.NotFoundCode, oneField("article", "not found")},
		"ProblemWithCause":  {problem.Forbidden("article").WithCause(errors.New(secret)), problem.ForbiddenCode, oneField("article", "forbidden")},
		"UnknownConstraint": {violation("no_such_key"), problem.InternalCode, internal},
		"NoConstraint":      {violation(""), problem.InternalCode, internal},
		"Unknown":           {errors.New(secret), problem.InternalCode, internal},
		"SyntaxError":       {code("42601"), problem.InternalCode, internal},
		"UndefinedTable":    {code("42P01"), problem.InternalCode, internal},
		"Busy":              {fmt.Errorf("%w: %s", db.ErrBusy, secret), problem.DatabaseUnavailable, unavailable},
		"Cancelled":         {fmt.Errorf("%s: %w", secret, context.Canceled), problem.DatabaseUnavailable, unavailable},
		"Deadline":          {fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), problem.DatabaseUnavailable, unavailable},
		"StatementTimeout":  {code("57014"), problem.DatabaseUnavailable, unavailable},
		"LockTimeout":       {code("55P03"), problem.DatabaseUnavailable, unavailable},
		"Shutdown":          {code("57P01"), problem.DatabaseUnavailable, unavailable},
		"Standby":           {code("25006"), problem.DatabaseUnavailable, unavailable},
		"Deadlock":          {code("40P01"), problem.DatabaseUnavailable, unavailable},
		"Full":              {code("53100"), problem.DatabaseUnavailable, unavailable},
		"ConnectionLost":    {fmt.Errorf("%s: %w", secret, io.ErrUnexpectedEOF), problem.DatabaseUnavailable, unavailable},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			requirePublicProblem(t, test.err, test.code, test.fields)
			retryAfter := 0
			if test.code == problem.DatabaseUnavailable {
				retryAfter = 1
			}
			require.Equal(t, retryAfter, translate.Problem(test.err).RetryAfter)
		})
	}
}

// TestProblemHidesCause breaks the schema under a running service.
func TestProblemHidesCause(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	anna := s.Register("anna")
	change(t, s, `ALTER TABLE follows RENAME TO elsewhere`)
	for _, call := range [][2]string{
		{http.MethodGet, "/profiles/anna"}, {http.MethodPost, "/profiles/anna/follow"}, {http.MethodGet, "/articles/feed"},
	} {
		res, body := s.Do(call[0], call[1], "", "Authorization", "Token "+anna.Token)
		requireProblem(t, http.StatusInternalServerError, problem.InternalCode, oneField("server", "internal error"), res.StatusCode, body)
		for _, hint := range []string{"follows", "SQL", "42P01", "relation", "pgx", ".go"} {
			require.NotContains(t, body, hint)
		}
		require.Contains(t, body, `"requestId":"`+res.Header.Get("X-Request-Id")+`"`)
	}
	require.Contains(t, s.Log.String(), "42P01", "the log tells the cause")
}
