//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadPage(t *testing.T) {
	t.Parallel()
	p, err := readPage("../../../docs/high-availability.md")
	require.NoError(t, err)
	require.Greater(t, len(p), 30)
	moments := map[string]bool{}
	for _, b := range p {
		moments[b.moment] = true
		require.NotEmpty(t, b.code)
	}
	for _, f := range allFaults {
		require.True(t, moments[f.back], "%s: the page has no commands for %q", f.name, f.back)
	}
	require.Len(t, p.unrun(), len(p))

	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte("# Page\n\n```sh\nrm -rf /\n```\n"), 0o644))
	_, err = readPage(path)
	require.ErrorContains(t, err, "page.md:3", "a block without a label")
	require.NoError(t, os.WriteFile(path, []byte("<!-- not run: reason -->\n```sh\na\n```\n<!-- lab: m on each -->\n```sh\nb\nc\n```\n"), 0o644))
	p, err = readPage(path)
	require.NoError(t, err)
	require.Equal(t, page{{moment: "m", place: "each", code: "b\nc\n", line: 5}}, p)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	l := newLoad("a")
	l.tried("one", "first")
	l.acked("one", "one", "first")
	l.tried("one", "second") // without a response
	l.acked("two", "two", "second")
	l.tried("three", "first") // without a response
	for _, c := range []struct {
		rows        string
		lost, twice int
	}{
		{"one,first\ntwo,second\n", 0, 0},
		{"one,second\ntwo,second\nthree,first\n", 0, 0},
		{"one,second\n", 1, 0},
		{"one,second\ntwo,first\n", 1, 0},
		{"", 2, 0},
		{"one,first\ntwo,second\none,first\n", 0, 1},
	} {
		lost, twice, err := l.compare(c.rows)
		require.NoError(t, err)
		require.Len(t, lost, c.lost, c.rows)
		require.Len(t, twice, c.twice, c.rows)
	}
}

func TestGap(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	l := newLoad("a")
	l.acks = []time.Time{at(1), at(5), at(6), at(20), at(30)}
	require.Equal(t, 14*time.Second, l.gap(at(4), at(25)))
	require.Equal(t, 8*time.Second, l.gap(at(21), at(29)), "no write at all")
	require.Equal(t, 3*time.Second, l.gap(at(2), at(6)), "from the beginning")
}

func TestProblems(t *testing.T) {
	t.Parallel()
	l := newLoad("a")
	l.count(503, request{}, nil)
	l.count(0, request{}, nil)
	l.count(201, request{}, nil)
	l.acked("one", "one", "first")
	l.pairs++
	r := &result{counted: l.counts(), fromStandbys: 1}
	require.NoError(t, r.problems(l))
	r.fromStandbys = 0
	require.ErrorContains(t, r.problems(l), "no read came from a standby")
	r.fromStandbys = 1
	r.lost = []string{"one"}
	require.ErrorContains(t, r.problems(l), "1 acknowledged writes are lost")
	r.lost, r.twice = nil, []string{"one"}
	require.Error(t, r.problems(l))
	r.twice, r.cancelled = nil, 1
	require.ErrorContains(t, r.problems(l), "before a standby had them")
	r.cancelled = 0
	l.count(404, request{}, nil)
	require.ErrorContains(t, r.problems(l), "neither 2xx nor 503")
	l.strange, l.stale = nil, []string{"one"}
	require.ErrorContains(t, r.problems(l), "stale")
	require.Error(t, (&result{}).problems(newLoad("a")), "nothing was written")
}

func TestStandbyReads(t *testing.T) {
	t.Parallel()
	var s standbyReads
	a, b := &machine{}, &machine{}
	for _, counter := range []int{0, 10, 25} {
		s.add(a, counter)
	}
	s.add(b, 100)
	require.Equal(t, 125, s.total)
	s.add(a, 5) // started again
	s.add(b, 100)
	require.Equal(t, 130, s.total)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "faults.md")
	require.NoError(t, os.WriteFile(path, []byte("Before\n"+marker+"old\n"+marker+"After\n"), 0o644))
	r := &result{rows: []row{{fault: "leader killed", hit: "node1", leader: "node2", gap: 9 * time.Second}}}
	require.NoError(t, r.write(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "| 1 | leader killed (node1) | node2 | 9.0 s |")
	require.NotContains(t, string(text), "old")
	require.NoError(t, r.write(path), "again")
	require.Error(t, r.write(filepath.Join(t.TempDir(), "none.md")))
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--only", "^(leader|etcd)$"}, os.Stderr)
	require.NoError(t, err)
	require.Len(t, o.faults(), 2)
	require.GreaterOrEqual(t, o.rounds, len(allFaults), "the rounds that are the default inject each fault")
	_, err = parse([]string{"--only", "nothing"}, os.Stderr)
	require.ErrorContains(t, err, "the faults are leader, ")
}
