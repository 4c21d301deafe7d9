package ratelimit

import (
	"math"
	"time"
)

// ownShare is the part of each quota, one of so many, that is divided by the
// replicas and not shared. A client that needs no more of a replica costs no
// statement. A client that sends all of its requests to one replica cannot use
// the others' parts, and so gets 4 % less than its quota from one of three.
const ownShare = 16

// hurryShare is the part of its share, one of so many, that a replica may give
// a client before it has to tell the others at once.
const hurryShare = 8

// wakeShare is the part of a quota, one of so many, for which a round begins
// before it is due. A client that has used up its quota uses what is restored,
// which is less.
const wakeShare = 100

// hotShare is the part of a quota, one of so many, after whose use every
// replica learns of it.
const hotShare = 8

// parts is how a quota is divided. A client uses its part at the replica first,
// and then the one that all replicas share. Both are restored at the same time,
// each by itself, so that their sum never exceeds the quota. If a replica
// decides alone, the shared part is the whole quota.
type parts struct {
	replicas int
	alone    bool          // whether this replica decides alone, though there may be others
	step     time.Duration // after which one more request of the shared part is allowed
	ownStep  time.Duration // the same of the replica's own part; 0 if it has none
}

func divide(window time.Duration, requests, replicas int, alone bool) *parts {
	own := 0
	if !alone {
		own = requests / ownShare / replicas
	}
	p := &parts{replicas: replicas, alone: alone, step: max(window/time.Duration(requests-own*replicas), 1)}
	if own > 0 {
		p.ownStep = max(window/time.Duration(own), 1)
	}
	return p
}

// spend returns the state after one more request, of the replica's own part or
// of the shared one, or how long it has to wait.
func (p *parts) spend(st state, t moment, window time.Duration) (after state, wait time.Duration) {
	own := time.Duration(math.MaxInt64) // there is none
	if p.ownStep > 0 {
		if own = st.own + p.ownStep - t - window; own <= 0 {
			st.own += p.ownStep
			return st, 0
		}
	}
	wait = st.whole + p.step - t - window
	if wait <= 0 && !p.alone && int(st.used+st.sent) >= p.share(st, t, window) {
		wait = roundInterval
	}
	if wait > 0 {
		return st, min(wait, own)
	}
	st.whole += p.step
	return st, 0
}

// share is how many requests of a client the replica may allow between two
// rounds: of what was left after the last one, each replica has an equal part.
// Replicas whose last round was at the same time allow no more than was left,
// or one request each. If rounds are late, they can also allow the shares that
// the others do not know of.
func (p *parts) share(st state, t moment, window time.Duration) int {
	left := steps(window-(st.whole-t), p.step) + int(st.used+st.sent)
	return (left + p.replicas - 1) / p.replicas
}

// left returns the number of requests that are left.
func (p *parts) left(st state, t moment, window time.Duration) int {
	n := steps(window-(st.whole-t), p.step)
	if p.ownStep > 0 {
		n += steps(window-(st.own-t), p.ownStep)
	}
	return n
}

// steps returns how many steps are in a time.
func steps(d, step time.Duration) int { return max(0, int(d/step)) }
