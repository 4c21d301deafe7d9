package ratelimit

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/quotas"
)

// member returns one of three replicas, which a test makes run rounds.
func member(q Quota) *replica { return newReplica(newMemory(), q, 3, rand.New(rand.NewPCG(1, 1))) }

// takes lets a user send requests at a moment, and returns how many were of the
// replica's own part.
func (r *replica) takes(t *testing.T, user int64, requests int, at moment) (own int) {
	t.Helper()
	for range requests {
		g, ok := r.limiter.users.take(user, epoch.Add(at))
		require.True(t, ok)
		if g.own {
			own++
		}
	}
	return own
}

// TestRefusalTellsNothing refuses requests because of a network around the
// client's. The quotas of the client and of the networks in it stay whole, also
// as the other replicas know them.
func TestRefusalTellsNothing(t *testing.T) {
	t.Parallel()
	const quota, window = 4, time.Hour
	for name, l := range map[string]*Limiter{
		"alone":   New("read", Quota{Requests: quota, Window: window}),
		"a fleet": member(Quota{Requests: 300, Window: window}).limiter,
	} {
		client := Client{User: 7, Address: netip.MustParseAddr("2001:db8::1")}
		nets, n := networks(client.Address)
		wide := l.shared[n-1]
		wide.shard(nets[n-1]).states[nets[n-1]] = state{whole: 10 * window, own: 10 * window} // it is used up
		s, mine := l.users.shard(client.User), state{own: 10 * window}                        // so is the replica's own part
		s.states[client.User] = mine
		for range 5 {
			_, _, ok := l.Take(client, epoch)
			require.False(t, ok)
		}
		after := s.states[client.User]
		after.listed = false // only a used one is told
		require.Equal(t, mine, after, name)
		for i := range n - 1 {
			s := l.shared[i].shard(nets[i])
			require.Equal(t, state{listed: s.states[nets[i]].listed}, s.at(nets[i], 0), "%s: %d", name, levels[i].bits)
		}
	}
}

// TestSweepKeepsOwnPart checks that a client does not get the replica's own part
// once more when the states of others are deleted.
func TestSweepKeepsOwnPart(t *testing.T) {
	t.Parallel()
	r := member(Quota{Requests: 3000, Window: time.Minute})
	r.takes(t, 7, 1, 0)
	own := r.takes(t, 7, 200, 50*time.Second)
	require.Positive(t, own)
	require.LessOrEqual(t, r.takes(t, 7, 200, time.Minute), own/6+1)
}

// TestLearn checks that a level of the others, which a round brings, leaves room
// only for what they did not know of when it began.
func TestLearn(t *testing.T) {
	t.Parallel()
	r := member(Quota{Requests: 300, Window: time.Minute})
	left := func() int {
		users := r.limiter.users
		return steps(users.window-users.shard(7).at(7, 0).whole, users.parts.Load().step)
	}
	used := 60 - r.takes(t, 7, 60, 0)
	all := left() + used
	require.Len(t, r.ledgers["read/user"].collect(nil, 10, true), 1)
	used = 20 - r.takes(t, 7, 20, 0) // while the round runs
	r.learn(quotas.Level{Key: "read/user/7", For: 150 * r.limiter.users.parts.Load().step}, epoch)
	require.Equal(t, all-150-used, left())
}

// TestRounds checks when a replica decides alone: after rounds have failed for a
// second, and not because the number of replicas could not be read.
func TestRounds(t *testing.T) {
	t.Parallel()
	r := member(Quota{Requests: 300, Window: time.Minute})
	round := func(err error, from, to moment) bool {
		r.apply(nil, err, epoch.Add(from), epoch.Add(to))
		return r.alone
	}
	down := errors.New("down")
	require.False(t, round(down, 0, 100*time.Millisecond))
	require.False(t, round(down, 800*time.Millisecond, 900*time.Millisecond))
	require.False(t, round(nil, 900*time.Millisecond, 950*time.Millisecond))
	require.False(t, round(down, 950*time.Millisecond, 1100*time.Millisecond), "not without a break")
	require.True(t, round(down, 1900*time.Millisecond, 1950*time.Millisecond))
	r.store.(*memory).down = true
	r.Beat(t.Context())
	require.Equal(t, 3, r.members)
}

// TestRoundUses checks that more clients than one round may tell of are in the
// next ones, and not a second later.
func TestRoundUses(t *testing.T) {
	t.Parallel()
	r := member(Quota{Requests: 300, Window: time.Minute})
	for user := range int64(2*roundUses + 1) {
		r.takes(t, user, 10, 0)
	}
	for _, want := range []int{roundUses, roundUses, 1, 0} {
		require.Len(t, r.collect(epoch), want)
		r.apply(nil, nil, epoch, epoch)
	}
}

// TestLeave checks that a replica which is stopped tells the others.
func TestLeave(t *testing.T) {
	t.Parallel()
	r := member(Quota{Requests: 300, Window: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, r.Run(ctx))
	require.True(t, r.store.(*memory).left)
}
