package scaling

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestSimulation compares the formula with requests, changes and purges that are
// played.
func TestSimulation(t *testing.T) {
	t.Parallel()
	const items, requests = 20_000, 2000.0
	for _, test := range []struct {
		edge       Edge
		s, changes float64
	}{
		{Edge{TTL: 1}, 1, 0},
		{Edge{TTL: 20}, 1, 0},
		{Edge{TTL: 20, Every: .25}, 1, 100},
		{Edge{TTL: 100, Every: .25}, .8, 500},
		{Edge{TTL: 100, Every: 5}, 1.2, 500},
		{Edge{TTL: .1, Every: .25}, 1, 100},
	} {
		t.Run(fmt.Sprintf("%v,%v,%v", test.edge, test.s, test.changes), func(t *testing.T) {
			t.Parallel()
			// A long time, so that the first request for each item hardly counts.
			seconds := max(60, 20*test.edge.TTL)
			played := test.edge.Simulate(items, test.s, requests, test.changes, seconds, 1)
			computed := test.edge.HitsOf(Zipf(items, test.s), requests, test.changes)
			if math.Abs(played-computed) > .01 {
				t.Errorf("%.3f were played and %.3f computed", played, computed)
			}
		})
	}
}

func TestZipf(t *testing.T) {
	t.Parallel()
	for _, n := range []float64{1, 10, 10_000, 12_345, 1e9} {
		var items, shares float64
		for _, b := range Zipf(n, 1) {
			items, shares = items+b.items, shares+b.share
		}
		if math.Abs(items-n) > n*1e-9 || math.Abs(shares-1) > 1e-9 {
			t.Errorf("%.0f items are %.1f with %.4f of the requests", n, items, shares)
		}
	}
	// Harmonic numbers: the sum of the first n is about ln n + 0.5772.
	p := Zipf(1e9, 1)
	if want := 1 / (math.Log(1e9) + .57722); math.Abs(p[0].share-want) > want/1000 {
		t.Errorf("the first item has %.5f of the requests instead of %.5f", p[0].share, want)
	}
	if want := (math.Log(1e6) + .57722) / (math.Log(1e9) + .57722); math.Abs(p.first(1e6).total()-want) > .001 {
		t.Errorf("the first million has %.4f of the requests instead of %.4f", p.first(1e6).total(), want)
	}
}

// total returns the share of all requests.
func (p Popularity) total() (share float64) {
	for _, b := range p {
		share += b.share
	}
	return share
}

// constants are round numbers, with which needs can be computed by hand.
var constants = Constants{
	Kept:     map[string]Cost{"article": {Service: 50}, "list": {Service: 50}, "comments": {Service: 50}, "feed": {Service: 50}},
	Read:     map[string]Cost{"article": {Service: 100, Database: 100}, "list": {Service: 100, Database: 100}, "comments": {Service: 100, Database: 100}, "feed": {Service: 100, Database: 100}},
	Writes:   map[string]Cost{"favorite": {200, 100, 1000}, "comment": {200, 100, 1000}, "article": {200, 100, 1000}},
	Question: 10, Change: 1,
}

func TestNeed(t *testing.T) {
	t.Parallel()
	p := Standard()
	p.SignedIn, p.Kept, p.Create = 1, 0, 0 // nothing is kept anywhere
	n := p.Need(constants, nil)
	// 95,000 reads at 100 µs and 5,000 writes at 200 µs are 10.5 cores. With 4 of
	// 8 cores used that is 3 machines; 9.5 cores of reads are one standby.
	near(t, "cores of the service", n.ServiceCores, 10.5)
	near(t, "machines", n.Services, 3)
	near(t, "cores for reads", n.ReadCores, 9.5)
	near(t, "standbys", n.Standbys, 1)
	near(t, "cores for writes", n.WriteCores, .5)
	// 3 services ask 2,000 times a second, and get 5,000 changes a second.
	near(t, "cores for questions", n.AskedCores, 3*(2000*10+5000)/1e6)
	near(t, "log", n.WAL, 5e6)
	near(t, "requests", n.Service+n.Edge, p.Requests)

	p = Standard()
	without, with := p.Need(constants, nil), p.Need(constants, &Edge{TTL: 86_400, Every: .25})
	short := p.Need(constants, &Edge{TTL: 1})
	if with.Edge <= short.Edge || short.Edge <= 0 || without.Edge != 0 {
		t.Errorf("the edge answers %.0f, %.0f and %.0f", without.Edge, short.Edge, with.Edge)
	}
	if with.ReadCores >= without.ReadCores {
		t.Errorf("with an edge, reads need %.1f cores instead of %.1f", with.ReadCores, without.ReadCores)
	}
	for _, n := range []Need{without, with, short} {
		near(t, "all requests", n.Service+n.Edge, p.Requests+p.Create)
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Abs(want) {
		t.Errorf("%s: %.4f instead of %.4f", what, got, want)
	}
}

// TestPage checks that the tables of the page are those that the constants of
// the repository give.
func TestPage(t *testing.T) {
	t.Parallel()
	c, err := Measured()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scaling.md")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := UpdatePage(file, c); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(page) {
		t.Errorf("docs/scaling.md is not what make scaling SCALING=--compute writes: %v", err)
	}
	if err := os.WriteFile(file, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := UpdatePage(file, c); err == nil {
		t.Error("a page without marks was written")
	}
}
