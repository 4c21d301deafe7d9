package importer

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/source"
)

// TestEstimate checks that the estimate knows which rows are not read, and which
// time was not spent with reading.
func TestEstimate(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := newProgress(&out, false, source.Counts{source.Users: 1000, source.Articles: 1_000_000, source.Favorites: 2000}, &state{})
	p.began = p.began.Add(-time.Hour) // looking for what is deleted
	p.partly(source.Articles)
	p.load()
	p.began = p.began.Add(-10 * time.Second)
	p.rows(source.Users, 500)
	p.line(source.Users, p.began.Add(10*time.Second))
	require.Contains(t, out.String(), "users      500 of 1,000 (50 %)  50 rows/s  about 50s left")
	p.rows(source.Users, 500)
	p.done(source.Users)
	p.rows(source.Articles, 7)
	p.done(source.Articles)
	p.rows(source.Favorites, 2000)
	out.Reset()
	p.line(source.Favorites, p.began.Add(30*time.Second))
	require.Equal(t, "[####################] favorites  2,000 of 2,000 (100 %)  100 rows/s  about 0s left\n", out.String())
}
