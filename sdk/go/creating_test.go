package byline

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
)

// TestCreating checks that the client adds an Idempotency-Key to exactly those
// operations that accept one according to openapi.yaml.
func TestCreating(t *testing.T) {
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	found := 0
	for _, path := range doc.Paths.InMatchingOrder() {
		for method, op := range doc.Paths.Value(path).Operations() {
			takesKey, _ := op.Extensions["x-idempotent"].(bool)
			require.Equal(t, takesKey, method == "POST" && creating.MatchString(basePath+path), "%s %s", method, path)
			if takesKey {
				found++
			}
		}
	}
	require.Positive(t, found)
	require.Equal(t, basePath, doc.Servers[0].URL)
}
