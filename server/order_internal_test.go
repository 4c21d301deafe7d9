package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/contract"
)

func TestCheckTargets(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	require.NoError(t, checkTargets(doc.Operations()))

	err = checkTargets([]*contract.Operation{{ID: "GetThing", Targets: []contract.Target{{Param: "slug", Kind: "article"}, {Param: "id", Kind: "thing"}}}})
	require.EqualError(t, err, `server: GetThing: path parameter id: x-target names the kind "thing", which has no lookup; add it to lookups in api/targets.go`)
}
