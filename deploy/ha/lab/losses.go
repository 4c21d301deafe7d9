//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// These faults lose more than the cluster can replace by itself.

// loseStandbys stops PostgreSQL on both standbys. The leader goes on alone, and
// stops when it is told to be strict.
func loseStandbys(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	standbys := l.others(leader)
	err := errors.Join(onAll(ctx, standbys, "systemctl stop patroni"), l.load.more(ctx, 20))
	if err == nil {
		err = l.do(ctx, "strict", nil)
	}
	if err == nil {
		err = await(ctx, "writes to stop", func() bool {
			before := l.load.counts().acked
			return wait(ctx, 5*time.Second) == nil && l.load.counts().acked == before
		})
	}
	if err := errors.Join(err, onAll(ctx, standbys, "systemctl start patroni")); err != nil {
		return nil, err
	}
	if err := l.load.more(ctx, 20); err != nil {
		return nil, fmt.Errorf("with the standbys again: %w", err)
	}
	return standbys[0], l.do(ctx, "lenient", nil)
}

// loseMajority deletes the data of two members of etcd, the leader's among them.
func loseMajority(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	left := l.others(leader)[0]
	lost := l.others(left)
	err := onAll(ctx, lost, "systemctl kill --kill-whom=all --signal=SIGKILL etcd && rm -rf /var/lib/etcd/byline")
	// Longer than the lease.
	if err := errors.Join(err, wait(ctx, 25*time.Second)); err != nil {
		return nil, err
	}
	for _, m := range lost {
		err = errors.Join(err, l.do(ctx, "quorum stop", map[string]*machine{"lost": m}))
	}
	if err == nil {
		err = l.do(ctx, "quorum", map[string]*machine{"left": left})
	}
	for _, m := range lost {
		if err == nil {
			err = l.do(ctx, "etcd replace", l.hitAndOther(m))
		}
	}
	return left, err
}

// loseMachine replaces the leader's machine, with its disks, by a new one.
func loseMachine(ctx context.Context, l *lab, leader *machine) (*machine, error) {
	if err := errors.Join(leader.powerOff(), leader.wipe(ctx)); err != nil {
		return nil, err
	}
	next, err := l.leaderBut(ctx, leader)
	if err != nil {
		return nil, err
	}
	if err := leader.start(ctx); err != nil {
		return nil, err
	}
	here := map[string]*machine{"hit": leader, "each": leader, "replicas": leader}
	if err := errors.Join(l.do(ctx, "install", here), l.copySettings(ctx, next, leader)); err != nil {
		return nil, err
	}
	for _, m := range l.others(leader) {
		if m != next {
			err = l.do(ctx, "gone other", map[string]*machine{"other": m})
		}
	}
	if err := errors.Join(err, l.do(ctx, "gone other", map[string]*machine{"other": next})); err != nil {
		return nil, err
	}
	for _, moment := range []string{"gone", "etcd replace", "start", "service"} {
		if err := l.do(ctx, moment, here); err != nil {
			return nil, err
		}
	}
	return leader, nil
}

// wipe deletes the disks of a machine that is off. What it has logged stays.
func (m *machine) wipe(ctx context.Context) error {
	err := commands(ctx, "umount --lazy "+m.disk())
	for _, folder := range []string{"upper", "work", "root", "lib"} {
		err = errors.Join(err, commands(ctx, "rm -rf "+m.folder+"/"+folder))
	}
	return errors.Join(err, m.makeDisk(ctx))
}

func onAll(ctx context.Context, machines []*machine, script string) (err error) {
	for _, m := range machines {
		_, failed := m.sh(ctx, script)
		err = errors.Join(err, failed)
	}
	return err
}
