package report

import (
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/locks"
)

func TestMigration(t *testing.T) {
	step := func(migration, statement string, all ...locks.Lock) MigrationStep {
		return MigrationStep{Migration: migration, Step: &locks.Step{Statement: statement, Tries: 1, Locks: all}, Request: 9 * time.Millisecond}
	}
	m := &Migration{Base: "v1", Articles: 1000, Phases: []*Phase{{
		Name: "migrate up", Loads: []Load{{Server: "old", Row: Row{Requests: 7}}}, Steps: []MigrationStep{
			step("00002", "ALTER TABLE articles ADD x int", locks.Lock{Table: "articles", Mode: "AccessExclusiveLock", Held: 12 * time.Millisecond},
				locks.Lock{Table: "users", Mode: "ShareRowExclusiveLock", Held: 30 * time.Millisecond}, locks.Lock{Table: "tags", Mode: "ShareUpdateExclusiveLock", Held: time.Hour}),
			step("00003", "DO fill", locks.Lock{Table: locks.Rows, Mode: "ExclusiveLock", Held: 40 * time.Millisecond}),
		},
	}}}
	print := func() string {
		t.Helper()
		var out strings.Builder
		if err := m.Print(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	out := print()
	for _, want := range []string{
		"from v1 to this build, 1,000 articles", "12.0 articles |", "30.0 users |", "Longest lock that blocks reads: 12.0 ms (articles, AccessExclusiveLock, 00002)",
		"Longest lock that blocks writes to a table: 30.0 ms", "Longest lock that blocks writes to rows: 40.0 ms",
		"Longest request: 9.00 ms (00002, ALTER TABLE articles ADD x int)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if m.Failed() || strings.Contains(out, "3600") {
		t.Errorf("failed %t; a lock that blocks no request is listed:\n%s", m.Failed(), out)
	}
	m.Wrong = []string{"text of jake"}
	if out := print(); !m.Failed() || !strings.Contains(out, "ERROR: text of jake") {
		t.Errorf("failed %t\n%s", m.Failed(), out)
	}
	m.Wrong = nil
	m.Limit = 40 * time.Millisecond
	if m.Failed() {
		t.Error("a lock as long as the limit failed")
	}
	m.Limit = 39 * time.Millisecond
	if out := print(); !m.Failed() || strings.Count(out, "ERROR") != 1 || !strings.Contains(out, "ERROR: migrate up: 00003 blocked writes of the same rows for 40.0 ms, which is more than 39ms: DO fill") {
		t.Errorf("failed %t\n%s", m.Failed(), out)
	}
	m.Limit = 29 * time.Millisecond
	if out := print(); !m.Failed() || strings.Count(out, "ERROR") != 2 || !strings.Contains(out, "ERROR: migrate up: 00002 blocked writes of users for 30.0 ms, which is more than 29ms: ALTER TABLE articles ADD x int") {
		t.Errorf("failed %t\n%s", m.Failed(), out)
	}
	m.Limit = 0
	m.Phases[0].Loads[0].Unavailable = 1
	if !m.Failed() {
		t.Error("a request without a response did not fail")
	}
	m.Phases[0].Loads[0].Unavailable = 0
	m.Phases[0].Loads[0].Errors, m.Phases[0].Loads[0].Failures = 2, []load.Failure{{Message: "status 503", Count: 2}}
	if out := print(); !m.Failed() || !strings.Contains(out, "ERROR in migrate up, old: status 503 (2 times)") {
		t.Errorf("failed %t\n%s", m.Failed(), out)
	}
}
