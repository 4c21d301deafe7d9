package publish_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/gen/openapi"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const public = openapi.StatusPublished
	for label, test := range map[string]struct {
		editorsOnly bool
		role        auth.Role
		scope       auth.Scope
		status      openapi.ArticleStatus
		want        problem.Code // "" is no refusal
	}{
		"Author":                  {false, auth.Author, auth.ScopeAccount, public, ""},
		"AuthorsKey":              {false, auth.Author, auth.ScopeWrite, public, ""},
		"AuthorOfTeam":            {true, auth.Author, auth.ScopeAccount, public, problem.RoleInsufficient},
		"AuthorOfTeamSchedules":   {true, auth.Author, auth.ScopeAccount, openapi.StatusScheduled, problem.RoleInsufficient},
		"AuthorOfTeamDrafts":      {true, auth.Author, auth.ScopeAccount, openapi.StatusDraft, ""},
		"AuthorOfTeamSubmits":     {true, auth.Author, auth.ScopeAccount, openapi.StatusReview, ""},
		"ModeratorOfTeam":         {true, auth.Moderator, auth.ScopeAccount, public, problem.RoleInsufficient},
		"EditorOfTeam":            {true, auth.Editor, auth.ScopeAccount, public, ""},
		"EditorsKeyOfTeam":        {true, auth.Editor, auth.ScopeWrite, public, problem.ScopeInsufficient},
		"EditorsOtherKeyOfTeam":   {true, auth.Editor, auth.ScopeAdmin, public, ""},
		"EditorsKeyOfTeamSubmits": {true, auth.Editor, auth.ScopeWrite, openapi.StatusReview, ""},
		"AdminOfTeam":             {true, auth.Admin, auth.ScopeAccount, public, ""},
	} {
		ctx := request.With(t.Context(), &request.Info{Viewer: auth.Viewer{ID: 1, Role: test.role, Scope: test.scope}})
		err := publish.Rules{EditorsOnly: test.editorsOnly}.Check(ctx, test.status)
		if test.want == "" {
			require.NoError(t, err, label)
			continue
		}
		require.NotNil(t, problem.From(err), label)
		require.Equal(t, test.want, problem.From(err).Code, label)
	}
}
