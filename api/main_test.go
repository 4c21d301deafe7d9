package api_test

import (
	"testing"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// uncached turns the cache off, for tests that count statements: the cache
// reads the feed of changes with statements of its own.
var uncached = servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 })
