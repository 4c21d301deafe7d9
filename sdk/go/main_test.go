package byline_test

import (
	"os"
	"testing"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server/servertest"
)

func TestMain(m *testing.M) {
	if os.Getenv("BYLINE_URL") != "" {
		os.Exit(m.Run()) // against a service that runs already
	}
	dbtest.Main(m)
}

// serviceURL is where a real service is: the one that sdk/scenario has
// started, or one that ends with the test.
func serviceURL(t *testing.T) string {
	if url := os.Getenv("BYLINE_URL"); url != "" {
		return url
	}
	return servertest.New(t).Root
}
