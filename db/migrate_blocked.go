package db

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/pressly/goose/v3/lock"
)

const (
	// blockedPoll is how often a migration that runs is looked at. It is shorter
	// than lockTry.
	blockedPoll = 100 * time.Millisecond
	// blockedFirst and blockedInterval are the times after which a wait is
	// reported, and reported again.
	blockedFirst, blockedInterval = 2 * time.Second, 10 * time.Second
	// maxStatement bounds the length of a reported statement, in bytes.
	maxStatement = 100
)

// Block describes a migration that waits for a lock, because of a transaction
// that has not ended.
type Block struct {
	Statement string // its beginning
	// By lists the sessions that hold the lock or wait for it in front, with
	// their process id, application name, role and state.
	By string
}

// locker calls Waiting and Blocked, and refuses to lock where a lock means nothing.
type locker struct {
	lock.SessionLocker
	m       *Migrator
	unwatch func()
}

// SessionLock implements lock.SessionLocker.
func (l *locker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	l.unwatch = func() {}
	if err := l.m.keepsSession(ctx, conn); err != nil {
		return err
	}
	if l.m.Waiting != nil {
		defer time.AfterFunc(time.Second, l.m.Waiting).Stop()
	}
	if err := l.SessionLocker.SessionLock(ctx, conn); err != nil || l.m.Blocked == nil {
		return err
	}
	pid, err := backend(ctx, conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.m.watch(ctx, pid)
	}()
	l.unwatch = func() {
		cancel()
		<-ended
	}
	return nil
}

// SessionUnlock implements lock.SessionLocker.
func (l *locker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	l.unwatch()
	return l.SessionLocker.SessionUnlock(ctx, conn)
}

// watch calls Blocked while the session with the process id waits for a lock.
// It uses a second connection, because the session itself is in a statement.
func (m *Migrator) watch(ctx context.Context, pid int64) {
	tick := time.NewTicker(blockedPoll)
	defer tick.Stop()
	var began, last, reported time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b, err := m.block(ctx, pid)
		if err != nil { // it does not wait, or the migration fails for the same reason
			continue
		}
		now := time.Now()
		if now.Sub(last) > 2*maxLockPause { // not the next try of the same statement
			began, reported = now, time.Time{}
		}
		if last = now; now.Sub(began) >= blockedFirst && now.Sub(reported) >= blockedInterval {
			reported = now
			m.Blocked(b)
		}
	}
}

// block returns what a session waits for, or sql.ErrNoRows. The process id of
// a prepared transaction is 0. PostgreSQL hides the state of sessions from
// roles that may not see it.
func (m *Migrator) block(ctx context.Context, pid int64) (b Block, err error) {
	err = m.db.QueryRowContext(ctx, `
		SELECT a.query, string_agg(format('pid %s (%s)', o.pid, concat_ws(', ', NULLIF(s.application_name, ''), s.usename, s.state)), '; ' ORDER BY o.pid)
		FROM pg_stat_activity a
		CROSS JOIN LATERAL (SELECT DISTINCT u.pid FROM unnest(pg_blocking_pids(a.pid)) AS u (pid)) o
		LEFT JOIN pg_stat_activity s ON s.pid = o.pid
		WHERE a.pid = $1
		GROUP BY a.query`, pid).Scan(&b.Statement, &b.By)
	b.Statement = beginning(b.Statement)
	return b, err
}

// beginning returns the start of a statement in one line.
func beginning(statement string) string {
	line := strings.Join(strings.Fields(withoutComments(statement)), " ")
	if len(line) > maxStatement {
		line = strings.ToValidUTF8(line[:maxStatement], "") + "…"
	}
	return line
}

// withoutComments returns a statement without the comments in front of it.
func withoutComments(statement string) string {
	for {
		statement = strings.TrimSpace(statement)
		if !strings.HasPrefix(statement, "--") {
			return statement
		}
		_, statement, _ = strings.Cut(statement, "\n")
	}
}
