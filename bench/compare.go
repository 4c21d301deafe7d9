package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/report"
)

// side is one of the two builds in a comparison.
type side struct {
	name, program, repo string
	data                *dataset
}

// compare measures two builds in turn (A B, B A, A B …), each on a fresh copy of
// its data set, so that slow changes of the machine affect both.
func (b *bench) compare(ctx context.Context, stdout io.Writer) error {
	work, err := os.MkdirTemp("", "byline-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tree, program, err := b.buildBase(ctx, work)
	if err != nil {
		return err
	}
	sides := []*side{{name: b.base, program: program, repo: tree}, {name: "this build", program: b.byline, repo: b.repo}}
	if err := b.seed(ctx, sides); err != nil {
		return err
	}
	c := report.NewComparison(machine.Describe(ctx, b.repo), sides[0].name, sides[1].name)
	for round := range b.rounds {
		b.say("round %d of %d", round+1, b.rounds)
		if err := b.round(ctx, sides, round%2 == 1, c); err != nil {
			return err
		}
	}
	if err := c.Print(stdout); err != nil {
		return err
	}
	if b.json != "" {
		if err := report.WriteJSON(b.json, c); err != nil {
			return err
		}
	}
	if c.Failed() {
		return errWrongAnswers
	}
	return nil
}

// buildBase builds the base in a folder, and returns its source and program.
func (b *bench) buildBase(ctx context.Context, work string) (tree, program string, err error) {
	b.say("building %s", b.base)
	tree, program = filepath.Join(work, "tree"), filepath.Join(work, "byline")
	archive := tree + ".tar"
	if err := os.Mkdir(tree, 0o755); err != nil {
		return "", "", err
	}
	for _, c := range []struct {
		dir  string
		args []string
	}{
		{b.repo, []string{"git", "archive", "--output=" + archive, b.base}},
		{tree, []string{"tar", "-xf", archive}},
		{tree, []string{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./cmd/byline"}},
	} {
		if _, err := machine.Output(ctx, c.dir, os.Environ(), c.args[0], c.args[1:]...); err != nil {
			return "", "", err
		}
	}
	return tree, program, nil
}

// seed prepares the data sets of both builds, each by its own program: the same
// rows, in the state of a database that was used for a while. A database that
// the newer build has migrated a moment before has dead rows and old statistics,
// and autovacuum runs while it is measured.
func (b *bench) seed(ctx context.Context, sides []*side) (err error) {
	for _, s := range sides {
		if s.data, err = b.prepare(ctx, s.program, s.repo, b.scales[0]); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// round starts both builds, each on a fresh copy of its data, and measures each
// scenario with one build and at once with the other: the shorter the time
// between the two, the less the machine has changed. Every second round swaps
// them, since the second one of a pair may find the machine busy or warm.
func (b *bench) round(ctx context.Context, sides []*side, swapped bool, c *report.Comparison) (err error) {
	runs := make([]measured, len(sides))
	for i, s := range sides {
		t, failed := startCopy(ctx, s.program, s.data)
		if failed != nil {
			return fmt.Errorf("%s: %w", s.name, failed)
		}
		defer func() { err = errors.Join(err, t.stop()) }()
		w, failed := b.enter(ctx, t, s.data.catalogue, s.data.users(b.users), s.data.team())
		if failed != nil {
			return fmt.Errorf("%s: %w", s.name, failed)
		}
		runs[i] = measured{i, t, w}
	}
	if swapped {
		slices.Reverse(runs)
	}
	for _, scenario := range conduit.Scenarios {
		if !b.only.MatchString(scenario.Name) {
			continue
		}
		lacks, failed := lacking(ctx, runs, sides, scenario)
		if failed != nil {
			return failed
		}
		if lacks != "" {
			c.Skip(scenario.Name, lacks)
			continue
		}
		for _, r := range runs {
			row, err := b.measure(ctx, r.target, r.world, scenario, 0)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", sides[r.side].name, scenario.Name, err)
			}
			b.say("  %-10s %-19s %8.0f req/s, P99 %s, %d errors", sides[r.side].name, row.Scenario, row.RPS, row.P99.Round(time.Microsecond), row.Errors)
			c.Add(r.side, row)
		}
	}
	return nil
}

// lacking returns which build cannot be measured with a scenario, and why, or "".
func lacking(ctx context.Context, runs []measured, sides []*side, scenario conduit.Scenario) (string, error) {
	for _, r := range runs {
		reason, err := r.world.Missing(ctx, scenario)
		if err != nil || reason != "" {
			return sides[r.side].name + ": " + reason, err
		}
	}
	return "", nil
}

// measured is a build that is running.
type measured struct {
	side   int // the index among the sides
	target *target
	world  *conduit.World
}
