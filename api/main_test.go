package api_test

import (
	"testing"

	"github.com/byline-api/byline/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
