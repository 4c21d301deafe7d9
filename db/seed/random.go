package seed

import "math/bits"

// All random values are pure functions of (seed, stream, index), computed with
// integers only. A row can therefore be computed again when another table needs
// a part of it (a favorite needs the time of its article), without storing ten
// million rows. The rows are the same on every machine: math/rand may change
// between Go versions, and floating point differs between architectures (fused
// multiply-add).

// stream separates the random numbers of one purpose from those of another
// purpose with the same index.
type stream uint64

const (
	streamBio stream = iota + 1
	streamImage
	streamUserTime
	streamArticle
	streamEdit
	streamArticleTime
	streamArticleTags
	streamText
	streamPopularity
	streamFavorite
	streamFavoriteTime
	streamFollow
	streamFollowTime
	streamComment
	streamRemark
	streamCommentTime
	streamNames
	streamTitles
	streamNewsroom
	streamRevision
	streamThread
)

const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio: the increment of splitmix64

// mix is the finalizer of splitmix64 (Steele, Lea, Flood 2014): each input bit
// flips half of the output bits.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// random is a splitmix64 generator. Its zero value works, but callers should
// use at.
type random struct{ state uint64 }

// at returns the generator of the element of a stream with this index.
func at(seed uint64, s stream, index int) random {
	return random{mix(mix(seed+golden*uint64(s)) + golden*uint64(index))}
}

func (r *random) next() uint64 {
	r.state += golden
	return mix(r.state)
}

// below returns a uniformly distributed number in [0, n); n must be above 0.
// The bias of the multiplication is under n / 2^64.
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// skewed returns a number in [0, n); small numbers are more likely. It follows
// the power law x^-(1-1/power), which is Zipf's law with exponent 1/2 for power
// 2 and 2/3 for power 3. Of 1,000 numbers, the first one gets 3 % at power 2
// and 10 % at power 3.
func (r *random) skewed(n, power int) int {
	u := r.next()
	x := u
	for range power - 1 {
		x, _ = bits.Mul64(x, u)
	}
	hi, _ := bits.Mul64(x, uint64(n))
	return int(hi)
}

// oneIn returns true in one of n cases.
func (r *random) oneIn(n int) bool { return r.below(n) == 0 }

// pick returns a random element of list.
func pick[T any](r *random, list []T) T { return list[r.below(len(list))] }

// permutation visits each of n numbers once, in an order without an apparent
// pattern. It needs only two integers, so that pairs are unique without storing
// them.
type permutation struct{ start, step, n int }

// newPermutation returns a random permutation of [0, n); n must be above 0.
func newPermutation(r *random, n int) permutation {
	p := permutation{start: r.below(n), step: 1, n: n}
	if n < 3 {
		return p
	}
	// About 6 in 10 steps are coprime to n, so this loop ends soon.
	for p.step = 1 + r.below(n-1); gcd(p.step, n) != 1; p.step = 1 + r.below(n-1) {
	}
	return p
}

// at returns the i-th number. From n on the numbers repeat.
func (p permutation) at(i int) int {
	hi, lo := bits.Mul64(uint64(p.step), uint64(i%p.n))
	return int((bits.Rem64(hi, lo, uint64(p.n)) + uint64(p.start)) % uint64(p.n))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// shares divides total among n receivers in proportion to weight, so that none
// gets more than its limit. The sum is exactly total, if the limits allow it.
// What a receiver cannot take is divided among the others by the same weights.
// Each round either fills at least one receiver or is the last one.
func shares(total, n int, weight, limit func(i int) int) []int32 {
	out := make([]int32, n)
	for total > 0 {
		var sum uint64
		for i := range n {
			if int(out[i]) < limit(i) {
				sum += uint64(weight(i))
			}
		}
		if sum == 0 {
			return out // only if the limits do not allow for total
		}
		var passed uint64 // weight so far; the share is what the rounded line rises by, so that rounding loses nothing
		given, rest := 0, 0
		for i := range n {
			if int(out[i]) >= limit(i) {
				continue
			}
			passed += uint64(weight(i))
			hi, lo := bits.Mul64(uint64(total), passed)
			upTo, _ := bits.Div64(hi, lo, sum)
			take := int(upTo) - given
			given = int(upTo)
			if room := limit(i) - int(out[i]); take > room {
				rest += take - room
				take = room
			}
			out[i] += int32(take)
		}
		total = rest
	}
	return out
}
