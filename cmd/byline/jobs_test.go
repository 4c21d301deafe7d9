//go:build unix

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJobsSurvive checks that each job is worked once although connections
// break, the replica that leads is killed, and PostgreSQL is restarted or does
// not accept writes for a while.
func TestJobsSurvive(t *testing.T) {
	t.Parallel()
	dir := newDataFolder(t)
	pg := postgres(t, dir)
	proxy, through := newProxy(t, pg.URL())
	leader := func() string {
		names := query[string](t, pg.URL(), "SELECT leader_id FROM river_leader WHERE expires_at > now()")
		return strings.Join(names, "")
	}
	first := startService(t, through)
	first.prepare()
	await(t, "a leader", func() bool { return leader() != "" })
	led := leader()
	second := startService(t, through)

	id := 0
	post := func(delay string) {
		t.Helper()
		id = query[int](t, pg.URL(), fmt.Sprintf(`INSERT INTO mails (kind, recipient, user_id, due_at)
			SELECT 'password_changed', 'anna@example.com', id, now() + interval '%s' FROM users RETURNING id`, delay))[0]
	}
	sent := func() {
		t.Helper()
		await(t, "the mail to be handled", func() bool {
			return query[int](t, pg.URL(), fmt.Sprintf("SELECT count(*) FROM mails WHERE id = %d AND due_at IS NOT NULL", id))[0] == 0
		})
		job := fmt.Sprintf(`FROM river_job WHERE kind = 'send_mail' AND args = '{"mailId": %d}'`, id)
		await(t, "the job to end", func() bool { return query[string](t, pg.URL(), "SELECT state::text "+job)[0] == "completed" })
		require.Equal(t, []int{1}, query[int](t, pg.URL(), "SELECT attempt "+job))
	}
	disconnect := func() {
		query[bool](t, pg.URL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'byline'")
	}

	disconnect()
	post("0")
	sent()

	first.signal(syscall.SIGKILL)
	first.wait()
	post("0")
	sent()
	await(t, "another leader", func() bool { return leader() != "" && leader() != led })

	post("1 second")
	stopPostgres(t, pg)
	proxy.down()
	pg = postgres(t, dir)
	proxy.up(pg.URL())
	sent()

	post("1 second")
	readOnly := "ALTER DATABASE " + query[string](t, pg.URL(), "SELECT current_database()::text")[0] + " SET default_transaction_read_only = "
	query[int](t, pg.URL(), readOnly+"on")
	disconnect()
	await(t, "readiness to go off", func() bool { return !second.ready() })
	query[int](t, pg.URL()+"&default_transaction_read_only=off", readOnly+"off")
	sent()
	second.waitReady()
	second.end()
	require.NotContains(t, second.log.tail(1<<20), "panic")
}
