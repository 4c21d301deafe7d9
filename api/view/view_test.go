package view_test

import (
	"testing"
	"time"

	"github.com/byline-api/byline/api/view"
)

// TestTimestamp compares Timestamp with a layout of package time.
func TestTimestamp(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -9*3600-30*60)
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(1, 999_999_999), time.Unix(1_700_000_000, 7_000_000),
		time.Date(2026, 11, 28, 23, 59, 59, 80_000_000, zone), time.Date(9999, 12, 31, 23, 59, 59, 123_456_789, time.UTC),
	} {
		if got, want := view.Timestamp(at), at.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("Timestamp(%v) = %s, want %s", at, got, want)
		}
	}
}
