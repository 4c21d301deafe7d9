package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	last := -1
	for _, v := range []int64{0, 1, 127, 128, 255, 256, 257, 258, 511, 512, 1_000_000, 1<<40 - 1, math.MaxInt64} {
		i := index(v)
		if i < last || i >= buckets {
			t.Fatalf("index(%d) = %d after %d, of %d", v, i, last, buckets)
		}
		if last = i; v >= 1<<maxBits {
			continue
		}
		if up := upper(i); up < v || float64(up-v) > float64(v)/sub {
			t.Errorf("the bucket of %d ends at %d", v, up)
		}
	}
	for i := range buckets {
		if got := index(upper(i)); got != i {
			t.Fatalf("upper(%d) = %d lies in bucket %d", i, upper(i), got)
		}
	}
}

func TestQuantile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var a, b H
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(math.Exp(r.Float64()*15) * 1000)
		all = append(all, d)
		if i%3 == 0 {
			a.Record(d)
		} else {
			b.Record(d)
		}
	}
	a.Add(&b)
	slices.Sort(all)
	if a.Count() != 10_000 || a.Max() != all[len(all)-1] {
		t.Fatalf("count %d, max %s", a.Count(), a.Max())
	}
	for _, q := range []float64{0, .5, .9, .99, .999, 1} {
		want := all[max(int(math.Ceil(q*10_000))-1, 0)]
		if got := a.Quantile(q); got < want || float64(got) > float64(want)*(1+1.0/sub) {
			t.Errorf("quantile %g is %s, want %s", q, got, want)
		}
	}
}

func TestEdges(t *testing.T) {
	var h H
	if h.Quantile(.5) != 0 || h.Max() != 0 {
		t.Error("an empty histogram must have zeros")
	}
	h.Record(-time.Second)
	h.Record(time.Hour)
	if h.Quantile(.5) != 0 || h.Max() != time.Hour {
		t.Errorf("got %s and %s", h.Quantile(.5), h.Max())
	}
	if n := testing.AllocsPerRun(100, func() { h.Record(time.Millisecond) }); n != 0 {
		t.Errorf("%g allocations a record", n)
	}
}
