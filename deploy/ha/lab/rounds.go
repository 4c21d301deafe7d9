//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// row is a round in the table.
type row struct {
	fault     string
	hit       string
	leader    string // after the fault
	gap       time.Duration
	counted   counts // of this round
	wholeTime time.Duration
}

// run sets up the cluster, injects the faults and says what they did.
func (l *lab) run(ctx context.Context, stdout io.Writer) error {
	if err := l.setUp(ctx); err != nil {
		return err
	}
	if err := l.allRounds(ctx); err != nil {
		return err
	}
	r, err := l.result(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\n%s\n", r.table(), r.totals())
	if err := r.problems(l.load); err != nil {
		return err
	}
	if err := l.restore(ctx); err != nil {
		return err
	}
	if len(l.faults()) < len(allFaults) || l.rounds < len(allFaults) {
		fmt.Fprintln(stdout, "Not all faults were injected, so that some commands of the page were not run, and the table is not written.")
		return nil
	}
	if unrun := l.page.unrun(); len(unrun) > 0 {
		return fmt.Errorf("commands of docs/high-availability.md were not run: %s", strings.Join(unrun, ", "))
	}
	if l.options.page == "" {
		return nil
	}
	return r.write(l.options.page)
}

// allRounds injects the faults one after the other, while clients write.
func (l *lab) allRounds(ctx context.Context) error {
	var addrs []string
	for _, m := range l.machines[:replicas] {
		addrs = append(addrs, m.addr)
	}
	l.load = newLoad(addrs...)
	if err := l.load.start(ctx, l.writers); err != nil {
		return err
	}
	defer l.load.end()
	faults := l.faults()
	for n := range l.rounds {
		f := faults[n%len(faults)]
		if err := l.round(ctx, f, n+1); err != nil {
			return fmt.Errorf("round %d, %s: %w", n+1, f.name, err)
		}
	}
	return nil
}

// round injects one fault into a complete cluster under load.
func (l *lab) round(ctx context.Context, f fault, n int) error {
	leader, err := l.leader(ctx)
	if err == nil {
		err = l.load.more(ctx, 20)
	}
	if err != nil {
		return err
	}
	before, began := l.load.counts(), time.Now()
	hit, err := f.inject(ctx, l, leader)
	if err == nil {
		err = l.do(ctx, f.back, l.hitAndOther(hit))
	}
	if err == nil {
		err = l.load.more(ctx, 20)
	}
	if err != nil {
		return err
	}
	after, err := l.leader(ctx)
	if err == nil {
		err = l.countReads(ctx)
	}
	if err != nil {
		return err
	}
	ended := time.Now()
	r := row{fault: f.title, hit: hit.name, leader: after.name, gap: l.load.gap(began, ended), counted: l.load.counts().less(before), wholeTime: ended.Sub(began)}
	l.rows = append(l.rows, r)
	l.printf("round %d: %s (%s): gap %.1f s, leader %s -> %s, %d writes acknowledged, 503 %d, without a response %d, complete after %.0f s", n, f.title, hit.name,
		r.gap.Seconds(), leader.name, after.name, r.counted.acked, r.counted.statuses[503], r.counted.statuses[0], r.wholeTime.Seconds())
	return nil
}

// standbyReads are the reads that standbys have answered.
type standbyReads struct {
	total int
	last  map[*machine]int // the counter of each service, which begins again with it
}

// add adds what a counter shows more than the last time.
func (s *standbyReads) add(m *machine, counter int) {
	if s.last == nil {
		s.last = map[*machine]int{}
	}
	before := s.last[m]
	if counter < before { // the service was started again
		before = 0
	}
	s.total += counter - before
	s.last[m] = counter
}

// countReads asks each replica of the service how many reads standbys have
// answered.
func (l *lab) countReads(ctx context.Context) error {
	for _, m := range l.machines[:replicas] {
		// After a machine has started, its service may not have.
		var out string
		err := await(ctx, "the metrics of "+m.name, func() (ok bool) {
			var err error
			out, err = m.sh(ctx, `curl -fsS http://127.0.0.1:9090/metrics | awk '/^db_replica_reads_total/ {n += $2} /^db_replica_failed_reads_total/ {n -= $2} END {print n + 0}'`)
			return err == nil
		})
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil {
			return err
		}
		l.standbys.add(m, n)
	}
	return nil
}

// less returns what was counted since another count.
func (c counts) less(before counts) counts {
	c.acked -= before.acked
	c.pairs -= before.pairs
	c.stale -= before.stale
	for status := range c.statuses {
		c.statuses[status] -= before.statuses[status]
	}
	return c
}

const allArticles = `psql --no-psqlrc --csv --tuples-only --command="SELECT title, body FROM articles"`

// result compares what was acknowledged with what the last leader has.
func (l *lab) result(ctx context.Context) (*result, error) {
	rows, err := l.machines[0].sh(ctx, shell+allArticles)
	if err != nil {
		return nil, err
	}
	r := &result{rows: l.rows, counted: l.load.counts(), fromStandbys: l.standbys.total}
	for _, m := range l.machines {
		// PostgreSQL says so when it shows others a commit that no standby has.
		out, err := m.sh(ctx, "journalctl --merge --unit=patroni --no-pager --output=cat --grep='canceling wait for synchronous replication due to user request' || true")
		if err != nil {
			return nil, err
		}
		r.cancelled += strings.Count(out, "canceling wait")
	}
	r.lost, r.twice, err = l.load.compare(rows)
	return r, err
}

// restore follows the runbook that restores a backup, and checks that the
// restored database has what the one before had.
func (l *lab) restore(ctx context.Context) error {
	before, err := l.machines[0].sh(ctx, shell+allArticles+" | sort | sha256sum")
	if err != nil {
		return err
	}
	for _, moment := range []string{"migrate", "backup", "restore stop", "restore", "restore start"} {
		if err := l.do(ctx, moment, nil); err != nil {
			return err
		}
	}
	after, err := l.machines[0].sh(ctx, shell+allArticles+" | sort | sha256sum")
	if err == nil && after != before {
		err = errors.New("the restored database has other articles")
	}
	return err
}
