package locks

import (
	"testing"
	"time"
)

// TestWatcher adds samples as the database would give them: each is a moment in
// milliseconds, with the statement, its start and that of its transaction.
func TestWatcher(t *testing.T) {
	began := time.Now()
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	transaction := func(ms int) *time.Time {
		start := at(ms)
		return &start
	}
	articles := lockKey{table: "articles", mode: "AccessExclusiveLock"}
	row := func(id string) lockKey { return lockKey{Rows, "ExclusiveLock", id} }
	w := watcher{held: map[lockKey]held{}, last: at(0)}
	for _, s := range []sample{
		{now: at(10)},
		// A transaction of two statements, which is tried twice.
		{now: at(20), found: true, state: "active", query: "LOCK TABLE articles IN SHARE MODE", queryStart: at(15), xactStart: transaction(12), wait: 7 * time.Millisecond, waits: 2},
		{now: at(30), found: true, state: "active", query: "-- why\nALTER TABLE  articles\nADD x", queryStart: at(25), xactStart: transaction(12)},
		{now: at(40), found: true, state: "idle", query: "ROLLBACK", queryStart: at(33), stateChange: at(34)},
		{now: at(50), found: true, state: "active", query: "ALTER TABLE articles ADD x", queryStart: at(45), xactStart: transaction(44), locks: []lockKey{articles}, rows: 9},
		{now: at(60), found: true, state: "idle in transaction", query: "ALTER TABLE articles ADD x", queryStart: at(45), xactStart: transaction(44), locks: []lockKey{articles}},
		{now: at(70), found: true, state: "idle", query: "COMMIT", queryStart: at(64), stateChange: at(65)},
		// A statement that commits between its batches.
		{now: at(80), found: true, state: "active", query: "DO fill", queryStart: at(75), xactStart: transaction(75), locks: []lockKey{row("1")}},
		{now: at(90), found: true, state: "active", query: "DO fill", queryStart: at(75), xactStart: transaction(85), locks: []lockKey{row("2")}},
		{now: at(100), found: true, state: "active", query: "INSERT INTO goose_db_version", queryStart: at(95), xactStart: transaction(95)},
		{now: at(110)},
	} {
		w.add(s)
	}
	steps := Merge(w.steps)
	if len(steps) != 2 {
		t.Fatalf("%d steps: %+v", len(steps), steps)
	}
	alter, fill := steps[0], steps[1]
	if alter.Statement != "ALTER TABLE articles ADD x" || alter.Tries != 2 || alter.Rows != 9 || alter.Wait != 7*time.Millisecond || alter.Waits != 2 {
		t.Errorf("%+v", alter)
	}
	if len(alter.Locks) != 1 || alter.Locks[0].Held != 30*time.Millisecond || alter.Locks[0].Blocks() != "reads" {
		t.Errorf("the lock was seen from 50 to 60 ms, so that it was held for 30 ms at most: %+v", alter.Locks)
	}
	if alter.During(at(35), at(43)) || !alter.During(at(29), at(31)) || !alter.During(at(60), at(200)) {
		t.Errorf("the step ran from 12 and from 44 ms: %+v", alter)
	}
	if fill.Statement != "DO fill" || fill.Tries != 1 || len(fill.Locks) != 1 || fill.Locks[0].Held != 20*time.Millisecond || fill.Locks[0].Blocks() != Rows {
		t.Errorf("each batch has rows of its own: %+v", fill)
	}
}
