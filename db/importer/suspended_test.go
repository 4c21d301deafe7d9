package importer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// TestSuspended imports accounts that the old system has suspended. They are
// suspended here too, and a later run does not take back a suspension of this
// service.
func TestSuspended(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.users[0].Role, m.users[0].SuspendedAt, m.users[0].SuspensionReason = "admin", day, "spam"
	m.users[1].EmailVerifiedAt = day
	m.users[2].Email, m.users[2].EmailVerifiedAt = "none", day
	run(t, d, m)
	accounts := func() string {
		return text(t, d, `SELECT string_agg(concat_ws('|', username, role, suspended_at AT TIME ZONE 'UTC', suspended_reason, email_verified_at AT TIME ZONE 'UTC'), ' ' ORDER BY username)
			FROM users WHERE suspended_at IS NOT NULL OR email_verified_at IS NOT NULL`)
	}
	require.Equal(t, "u1|admin|2024-02-29 12:00:00.123|spam u2|author|2024-02-29 12:00:00.123", accounts())
	require.True(t, verify(t, d, m).OK())
	require.Zero(t, number(t, d, `SELECT count(*) FROM users WHERE username = 'u3' AND email_verified_at IS NOT NULL`), "nobody receives mail at a placeholder")

	_, err := d.Exec(t.Context(), `UPDATE users SET suspended_at = '2025-01-01Z', suspended_reason = 'here' WHERE username = 'u4'`)
	require.NoError(t, err)
	m.users[0].SuspendedAt, m.users[0].SuspensionReason = time.Time{}, ""
	m.users[1].SuspendedAt, m.users[1].Email = day.Add(time.Hour), "other@example.com"
	m.users[1].EmailVerifiedAt = time.Time{}
	m.users[3].Bio = new("changed")
	run(t, d, m)
	require.Equal(t, "u1|admin|2024-02-29 12:00:00.123|spam u2|author|2024-02-29 13:00:00.123 u4|author|2025-01-01 00:00:00|here", accounts())
	require.Len(t, verify(t, d, m).Differences, 2)
}
