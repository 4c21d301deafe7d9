package contract

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTargets(t *testing.T) {
	t.Parallel()
	d := document(t)

	op := operation(t, d, "DeleteArticleComment")
	require.Equal(t, "comment", op.Owner)
	require.Len(t, op.Targets, 2)
	article, comment := op.Targets[0], op.Targets[1]
	require.Equal(t, []string{"slug", "article", "id", "comment"}, []string{article.Param, article.Kind, comment.Param, comment.Kind})
	require.True(t, article.Valid("x"))
	require.True(t, comment.Valid("7"))
	for _, value := range []string{"", "x", "0", "9007199254740992"} {
		require.False(t, comment.Valid(value), value)
	}
	require.False(t, comment.Private)

	op = operation(t, d, "DeleteSession")
	require.True(t, op.Targets[0].Private)
	require.Empty(t, op.Owner)
	require.Empty(t, operation(t, d, "CreateArticleFavorite").Owner)
	require.Empty(t, operation(t, d, "GetArticles").Targets)
}

func TestSafe(t *testing.T) {
	t.Parallel()
	d := document(t)
	require.True(t, operation(t, d, "GetArticle").Safe)
	require.True(t, operation(t, d, "ExportCurrentUser").Safe)
	require.True(t, operation(t, d, "BatchGetArticles").Safe)
	require.False(t, operation(t, d, "Login").Safe)
	require.False(t, operation(t, d, "DeleteArticle").Safe)
}

func TestLoadRefusesPowers(t *testing.T) {
	t.Parallel()
	const (
		target = "x-target: {kind: thing}"
		token  = "security: [{Token: []}]\n      x-scope: write\n      "
	)
	for name, test := range map[string]struct{ edits, want string }{
		"NoTarget":          {target + ", >", "path parameter flag lacks x-target: {kind: ...} with a kind of lookups in api/targets.go"},
		"TargetOfText":      {target + ">x-target: thing", "path parameter flag lacks x-target"},
		"TargetWithoutKind": {target + ">x-target: {private: true}", "path parameter flag lacks x-target"},
		"TargetWithout404":  {", '404': {description: None}>", "must declare 404"},
		"NoOwner":           {"security: []>" + token, "lacks x-owner"},
		"OwnerWithoutToken": {"security: []>security: []\n      x-owner: none", "has x-owner, which is for"},
		"OwnerAndRole":      {"security: []>" + token + "x-role: moderator\n      x-owner: none", "has x-owner, which is for"},
		"OwnerOfPrivate":    {"security: []>" + token + "x-owner: thing|{kind: thing}>{kind: thing, private: true}", "has x-owner, which is for"},
		"OtherOwner":        {"security: []>" + token + "x-owner: article", "x-owner is article, which is neither none"},
		"OwnerOfNumber":     {"security: []>" + token + "x-owner: 7", "x-owner is 7, which is neither none"},
		"OwnerWithout403":   {"security: []>" + token + "x-owner: thing", "must declare 403"},
		"SafeOfFalse":       {"x-rate-limit: write>x-rate-limit: read\n      x-safe: false", "x-safe must be true or left out"},
		"SafeOfPut":         {"x-rate-limit: write>x-rate-limit: read\n      x-safe: true", "x-safe, which is for POST only"},
		"SafeOfGet":         {"    put:>    get:|x-rate-limit: write>x-rate-limit: read\n      x-safe: true", "x-safe, which is for POST only"},
		"SafeWrite":         {"    put:>    post:|x-rate-limit: write>x-rate-limit: write\n      x-safe: true", "its x-rate-limit must be read"},
		"UnsafeRead":        {"    put:>    post:|x-rate-limit: write>x-rate-limit: read", "declare x-safe: true on a POST that only reads"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := small
			for edit := range strings.SplitSeq(test.edits, "|") {
				from, to, _ := strings.Cut(edit, ">")
				require.Equal(t, 1, strings.Count(data, from), "%q must be in the document once", from)
				data = strings.Replace(data, from, to, 1)
			}
			_, err := load([]byte(data))
			require.ErrorContains(t, err, test.want)
		})
	}

	t.Run("Declared", func(t *testing.T) {
		t.Parallel()
		data := strings.NewReplacer("security: []", token+"x-owner: thing", "'404':", "'403': {description: Not yours}, '404':").Replace(small)
		d, err := load([]byte(data))
		require.NoError(t, err)
		require.Equal(t, "thing", operation(t, d, "PutThing").Owner)
	})
}
