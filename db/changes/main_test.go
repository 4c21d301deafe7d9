package changes

import (
	"testing"

	"github.com/byline-api/byline/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
