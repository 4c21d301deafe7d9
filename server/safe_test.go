package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// TestSafe checks that operations which the document calls safe change nothing.
func TestSafe(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	for _, op := range doc.Operations() {
		if !op.Safe {
			continue
		}
		t.Run(op.ID, func(t *testing.T) { // one after another, so that what is stored can be compared
			s := s.For(t)
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			c := valid[op.ID](newStage(s))
			before := fingerprint(t, s)
			res, body := c.do(s, op.Method)
			require.Less(t, res.StatusCode, 300, body)
			require.Equal(t, before, fingerprint(t, s), "%s is safe, by its method or by x-safe in openapi.yaml, and changes what is stored", op.ID)
		})
	}
}
