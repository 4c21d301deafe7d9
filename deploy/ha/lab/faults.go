//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// fault is something that happens to the cluster.
type fault struct {
	name, title string
	// inject injects the fault, runs the runbook and ends when the fault is
	// over. It returns the machine that was hit.
	inject func(ctx context.Context, l *lab, leader *machine) (hit *machine, err error)
	back   string // the moment of the runbook that verifies, on the machine that was hit
}

// allFaults are in the order of the rounds.
var allFaults = []fault{
	{"leader", "leader's Patroni and PostgreSQL killed (kill -9)", killLeader, "leader back"},
	{"machine", "leader's machine switched off", switchOff, "leader back"},
	{"freeze", "leader's Patroni and PostgreSQL suspended (SIGSTOP)", freeze, "leader back"},
	{"partition", "leader's machine cut off from the others", partitionLeader, "partition back"},
	{"switchover", "planned switchover", switchover, "switchover back"},
	{"pgbouncer", "leader's PgBouncer killed (kill -9)", killPgBouncer, "proxy back"},
	{"standby", "a standby's Patroni and PostgreSQL killed (kill -9)", killStandby, "standby back"},
	{"etcd", "leader's etcd killed (kill -9), and its member replaced", killEtcd, "etcd back"},
	{"haproxy", "HAProxy of a replica killed (kill -9)", killHAProxy, "proxy back"},
	{"apart", "a standby's machine cut off from the others", partitionStandby, "partition back"},
	{"majority", "two members of etcd stopped for 25 s", stopMajority, "check"},
	{"disk", "leader's disk full", fillDisk, "disk back"},
	{"rejoin", "a standby copied again", rejoin, "rejoin back"},
	{"standbys", "both standbys' Patroni and PostgreSQL stopped", loseStandbys, "standbys back"},
	{"quorum", "data of two members of etcd deleted", loseMajority, "quorum back"},
	{"gone", "leader's machine replaced by an empty one", loseMachine, "gone back"},
	{"upgrade", "a standby stopped and started, as for an upgrade", upgrade, "check"},
}

func faultNames() string {
	var names []string
	for _, f := range allFaults {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// faults returns the faults that --only selects.
func (o *options) faults() (selected []fault) {
	for _, f := range allFaults {
		if o.only.MatchString(f.name) {
			selected = append(selected, f)
		}
	}
	return selected
}

// kill kills all processes of a unit of systemd, which starts it again. It waits
// until systemd has done so.
func (m *machine) kill(ctx context.Context, unit string) error {
	restarts := "systemctl show --property=NRestarts --value " + unit
	before, err := m.sh(ctx, restarts)
	if err != nil {
		return err
	}
	if _, err := m.sh(ctx, "systemctl kill --kill-whom=all --signal=SIGKILL "+unit); err != nil {
		return err
	}
	return await(ctx, "systemd to restart "+unit, func() bool {
		after, err := m.sh(ctx, restarts)
		return err == nil && after != before
	})
}

// hitAndOther are the places of a runbook.
func (l *lab) hitAndOther(hit *machine) map[string]*machine {
	return map[string]*machine{"hit": hit, "other": l.others(hit)[0]}
}

func killLeader(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	if err := leader.kill(ctx, "patroni"); err != nil {
		return nil, err
	}
	return leader, l.do(ctx, "leader", l.hitAndOther(leader))
}

func switchOff(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	if err := leader.powerOff(); err != nil {
		return nil, err
	}
	if _, err := l.leaderBut(ctx, leader); err != nil {
		return nil, err
	}
	if err := l.do(ctx, "leader", l.hitAndOther(leader)); err != nil {
		return nil, err
	}
	return leader, leader.start(ctx)
}

func freeze(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	signal := "systemctl kill --kill-whom=all --signal="
	if _, err := leader.sh(ctx, signal+"SIGSTOP patroni"); err != nil {
		return nil, err
	}
	_, err := l.leaderBut(ctx, leader)
	if err == nil {
		err = l.load.more(ctx, 20)
	}
	_, woken := leader.sh(ctx, signal+"SIGCONT patroni")
	if err := errors.Join(err, woken); err != nil {
		return nil, err
	}
	return leader, l.do(ctx, "leader", l.hitAndOther(leader))
}

func partitionLeader(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	if err := leader.cut(ctx); err != nil {
		return nil, err
	}
	_, err := l.leaderBut(ctx, leader)
	if err == nil {
		err = l.load.more(ctx, 20)
	}
	if err == nil {
		err = l.do(ctx, "partition", l.hitAndOther(leader))
	}
	return leader, errors.Join(err, leader.heal(ctx))
}

func partitionStandby(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	standby := l.others(leader)[0]
	if err := standby.cut(ctx); err != nil {
		return nil, err
	}
	// Longer than the lease and all timeouts.
	err := wait(ctx, 25*time.Second)
	if err == nil {
		err = l.do(ctx, "partition", map[string]*machine{"hit": standby, "other": leader})
	}
	return standby, errors.Join(err, standby.heal(ctx))
}

func switchover(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	if err := l.do(ctx, "switchover", nil); err != nil {
		return nil, err
	}
	_, err := l.leaderBut(ctx, leader)
	return leader, err
}

func killPgBouncer(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	return l.killProxy(ctx, leader, "pgbouncer")
}

func killHAProxy(ctx context.Context, l *lab, _ *machine) (*machine, error) {
	return l.killProxy(ctx, l.machines[0], "haproxy")
}

func (l *lab) killProxy(ctx context.Context, m *machine, unit string) (*machine, error) {
	if err := m.kill(ctx, unit); err != nil {
		return nil, err
	}
	err := l.do(ctx, "proxy", l.hitAndOther(m))
	if err == nil {
		err = l.do(ctx, "proxy restart", l.hitAndOther(m))
	}
	return m, err
}

func killStandby(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	standby := l.others(leader)[0]
	if err := standby.kill(ctx, "patroni"); err != nil {
		return nil, err
	}
	return standby, l.do(ctx, "standby", nil)
}

func killEtcd(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	if err := leader.kill(ctx, "etcd"); err != nil {
		return nil, err
	}
	err := l.do(ctx, "etcd", l.hitAndOther(leader))
	if err == nil {
		err = l.do(ctx, "etcd replace", l.hitAndOther(leader))
	}
	return leader, err
}

func stopMajority(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	var err error
	for _, m := range l.others(leader) {
		_, stopped := m.sh(ctx, "systemctl stop etcd")
		err = errors.Join(err, stopped)
	}
	err = errors.Join(err, wait(ctx, 25*time.Second))
	for _, m := range l.others(leader) {
		_, started := m.sh(ctx, "systemctl start --no-block etcd")
		err = errors.Join(err, started)
	}
	return leader, err
}

func fillDisk(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	const fill = "cat /dev/zero >/var/lib/postgresql/filler || true"
	if _, err := leader.sh(ctx, fill); err != nil {
		return nil, err
	}
	err := await(ctx, "PostgreSQL to notice that the disk is full", func() bool {
		// Each switch takes another file for WAL, of which PostgreSQL has some
		// in store. The last one fails.
		_, _ = leader.sh(ctx, shell+`timeout 5 psql --quiet --command="SELECT pg_logical_emit_message(false, 'lab', 'full')" --command="SELECT pg_switch_wal()"`)
		out, err := leader.sh(ctx, "grep --no-messages --count 'No space left on device' <(journalctl --unit=patroni --since=-1min --no-pager) || true")
		return err == nil && strings.TrimSpace(out) != "0"
	})
	if err == nil {
		err = l.do(ctx, "disk", l.hitAndOther(leader))
	}
	if _, freed := leader.sh(ctx, "rm /var/lib/postgresql/filler"); freed != nil || err != nil {
		return nil, errors.Join(err, freed)
	}
	return leader, l.do(ctx, "disk freed", l.hitAndOther(leader))
}

func rejoin(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	standby := l.others(leader)[0]
	return standby, l.do(ctx, "rejoin", map[string]*machine{"standby": standby})
}

func upgrade(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	standby := map[string]*machine{"standby": l.others(leader)[0]}
	for _, moment := range []string{"upgrade", "upgraded"} {
		if err := l.do(ctx, moment, standby); err != nil {
			return nil, fmt.Errorf("%s: %w", moment, err)
		}
	}
	return standby["standby"], nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
