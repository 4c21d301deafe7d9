package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Waiting returns how many reads wait to join a group.
func (r *sharedReads) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// Reads returns the sharedReads of d. Tests use it to run queries that are not
// marked as shared.
func (d *DB) Reads() *sharedReads { return d.reads }

// IsShared reports whether a query shares its round trip.
func IsShared(sql string) bool { return isShared(sql) }

// Waiting returns how many reads wait for a group.
func (t *Together[K, R]) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// Running returns how many reads and groups run.
func (t *Together[K, R]) Running() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running
}

// Abandon counts n writes that the server has not ended.
func (d *DB) Abandon(n int) { d.abandoned.add(n) }

// Abandoned returns how many writes the server has not ended.
func (d *DB) Abandoned() int {
	d.abandoned.mu.Lock()
	defer d.abandoned.mu.Unlock()
	return d.abandoned.open
}

// Suspect reports whether writes are tried one at a time.
func (d *DB) Suspect() bool { return d.abandoned.suspect() }

// AddReplica makes d read from the server that a URL leads to, which need not be
// a standby. It is never asked: tests say what it has reached.
func (d *DB) AddReplica(ctx context.Context, url string, tracer pgx.QueryTracer) (*Replica, error) {
	cfg := d.cfg
	cfg.URL, cfg.Tracer, cfg.any = url, tracer, true
	r, err := newReplica(ctx, cfg)
	if err != nil {
		return nil, err
	}
	want := Mark{Life: "a", LSN: 1}
	r.asking = true
	r.judge(nil, want)
	mark := func() Mark { return want }
	d.replicas.all = append(d.replicas.all, r)
	d.replicas.mark.Store(&mark)
	return &Replica{r, want}, nil
}

// Replica is a replica of which a test says what it has reached.
type Replica struct {
	*replica
	want Mark
}

// Started says when the server was started that has reached what reads have to
// see, and that it is used.
func (r *Replica) Started(at time.Time) {
	r.known.Store(&progress{Mark: r.want, started: at})
	r.judge(nil, r.want)
}

// Usable reports whether reads are sent to it.
func (r *Replica) Usable() bool { return r.usable() }

// Acquired returns how many of its connections are in use.
func (r *Replica) Acquired() int { return int(r.db.pool.Stat().AcquiredConns()) }
