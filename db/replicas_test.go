package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/gen/query"
)

// replacing is a tracer that replaces the server of a replica when a statement
// is sent to it.
type replacing struct{ replace func() }

func (r *replacing) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if r.replace != nil && data.SQL == nameSQL {
		r.replace()
	}
	return ctx
}

func (r *replacing) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

const nameSQL = "SELECT current_database()"

// TestReplicaIsAnother checks that a read counts only if its connection leads to
// the server which has said that it shows enough, until the read has its rows.
// Otherwise the primary responds, and no connection stays in use.
func TestReplicaIsAnother(t *testing.T) {
	t.Parallel()
	d, tracer := dbtest.Open(t), &replacing{}
	replica, err := d.AddReplica(t.Context(), dbtest.URL(t), tracer)
	require.NoError(t, err)
	var started time.Time
	require.NoError(t, d.QueryRow(t.Context(), "SELECT pg_postmaster_start_time()").Scan(&started))
	name := func(ctx context.Context, conn query.DBTX, _ int) (name string, err error) {
		err = conn.QueryRow(ctx, nameSQL).Scan(&name)
		return name, err
	}
	together := db.NewTogether(d, "Name", name, nil)
	primary, err := name(t.Context(), d, 0)
	require.NoError(t, err)
	for how, read := range map[string]func(context.Context) (string, error){
		"alone":    func(ctx context.Context) (string, error) { return name(ctx, d.Alone(), 0) },
		"one":      func(ctx context.Context) (string, error) { return name(ctx, d, 0) },
		"together": func(ctx context.Context) (string, error) { return together.Get(ctx, 0) },
	} {
		for _, step := range []struct {
			what     string
			started  time.Time
			replace  func()
			replaced bool
		}{
			{"the same server", started, nil, false},
			{"a server that was started earlier", started.Add(time.Hour), nil, true},
			{"a server that is replaced by another one", started, func() { replica.Started(started.Add(time.Hour)) }, true},
			{"the same server again", started, nil, false},
		} {
			replica.Started(step.started)
			tracer.replace = step.replace
			got, err := read(d.WithReader(t.Context()))
			require.NoError(t, err)
			require.Equal(t, step.replaced, got == primary, "%s: %s", how, step.what)
			require.Equal(t, step.replaced, !replica.Usable(), "%s: %s", how, step.what)
			require.Eventually(t, func() bool { return replica.Acquired() == 0 }, 10*time.Second, time.Millisecond, "%s: %s", how, step.what)
		}
	}
}
