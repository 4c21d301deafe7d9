package api_test

import (
	"testing"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// uncached is for tests that count statements: looking for changes is one too.
var uncached = servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 })
