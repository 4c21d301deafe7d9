package byline_test

import (
	"os"
	"testing"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server/servertest"
)

func TestMain(m *testing.M) {
	if os.Getenv("BYLINE_URL") != "" {
		os.Exit(m.Run()) // the service is already running
	}
	dbtest.Main(m)
}

// serviceURL returns the URL of a real service. That is the one that
// sdk/scenario has started, or one that the test starts.
func serviceURL(t *testing.T) string {
	if url := os.Getenv("BYLINE_URL"); url != "" {
		return url
	}
	return servertest.New(t).Root
}
