package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/locks"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/report"
)

// traffic is the load on one server, whose visitors stay the same in all
// phases: they know what they have written.
type traffic struct {
	server  string
	world   *conduit.World
	drivers []load.Driver
	deep    int
	rate    float64

	mu       sync.Mutex
	requests []timed // of the phase
}

// timed is a request that was counted.
type timed struct {
	from, to time.Time
	status   int
}

func newTraffic(server string, w *conduit.World, b *bench) *traffic {
	t := &traffic{server: server, world: w, deep: b.deepEvery}
	driver := w.Driver(conduit.Writes)
	for i := range b.connections {
		t.drivers = append(t.drivers, driver(i))
	}
	return t
}

// with sets the rate, and returns the load as the only one of a phase.
func (t *traffic) with(rate float64) []*traffic {
	t.rate = rate
	return []*traffic{t}
}

// run sends requests until the channel is closed.
func (t *traffic) run(ctx context.Context, until <-chan struct{}) (report.Load, error) {
	t.requests = nil
	beside, stop := context.WithCancel(ctx)
	defer stop()
	var audit conduit.Audit
	var wait sync.WaitGroup
	wait.Go(func() { audit = t.world.Audit(beside) })
	res, err := load.Run(ctx, load.Plan{
		Addr: t.world.Site.Addr, Connections: len(t.drivers), Measure: longest, Until: until, Rate: t.rate, DeepEvery: t.deep,
		Driver: func(i int) load.Driver { return t.drivers[i] },
		Observe: func(from, to time.Time, status int) {
			t.mu.Lock()
			t.requests = append(t.requests, timed{from, to, status})
			t.mu.Unlock()
		},
	})
	stop()
	wait.Wait()
	out := report.Load{Server: t.server}
	if err != nil {
		return out, err
	}
	out.Fill(res)
	out.Audits = audit.Rounds
	for text, n := range audit.Errors {
		out.Errors += n
		out.Failures = append(out.Failures, load.Failure{Message: text, Count: n})
	}
	for _, r := range t.requests {
		if r.status == 0 || r.status >= http.StatusInternalServerError {
			out.Unavailable++
		}
		if r.to.Sub(r.from) > report.SlowRequest {
			out.Slow++
		}
	}
	return out, nil
}

// phase runs loads while do runs.
func (m *migration) phase(ctx context.Context, name string, loads []*traffic, do func(context.Context) error) error {
	p := &report.Phase{Name: name, Loads: make([]report.Load, len(loads))}
	m.report.Phases = append(m.report.Phases, p)
	m.say("%s", name)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	until := make(chan struct{})
	errs := make([]error, len(loads))
	var wait sync.WaitGroup
	for i, t := range loads {
		wait.Go(func() { p.Loads[i], errs[i] = t.run(ctx, until) })
	}
	began := time.Now()
	err := do(ctx)
	if err != nil {
		cancel() // the load cannot know that it is in vain
	}
	p.Took = time.Since(began)
	close(until)
	wait.Wait()
	return errors.Join(append([]error{err}, errs...)...)
}

// watched runs commands of this build under load, and watches what they lock.
func (m *migration) watched(ctx context.Context, name string, t *traffic, down bool, commands [][]string) error {
	var steps []*locks.Step
	err := m.phase(ctx, name, t.with(m.rate), func(ctx context.Context) error {
		if err := pause(ctx, before); err != nil {
			return err
		}
		watching, stop := context.WithCancel(ctx)
		var watched error
		var wait sync.WaitGroup
		wait.Go(func() { steps, watched = locks.Watch(watching, m.url, "byline migrate", m.every) })
		var err error
		for _, args := range commands {
			var out string
			if out, err = machine.Combined(ctx, m.work, machine.Environment("BYLINE_DATA_DIR="+m.data), m.byline, args...); err != nil {
				break
			}
			m.say("%s", strings.TrimSpace(out))
		}
		stop()
		wait.Wait()
		if err = errors.Join(err, watched); err != nil {
			return err
		}
		return pause(ctx, after)
	})
	if err != nil {
		return err
	}
	texts, err := m.migrationTexts(down)
	if err != nil {
		return err
	}
	p := m.report.Phases[len(m.report.Phases)-1]
	for _, s := range locks.Merge(steps) {
		step := report.MigrationStep{Step: s}
		for _, r := range t.requests {
			if s.During(r.from, r.to) {
				step.Request = max(step.Request, r.to.Sub(r.from))
			}
		}
		step.Migration = texts.find(s.Statement)
		p.Steps = append(p.Steps, step)
	}
	return nil
}

// newMigrations returns the migrations that the base does not have.
func (m *migration) newMigrations() (files []string, err error) {
	all, err := filepath.Glob(filepath.Join(m.repo, "db/migrations/*.sql"))
	for _, file := range all {
		if _, missing := os.Stat(filepath.Join(m.tree, "db/migrations", filepath.Base(file))); missing != nil {
			files = append(files, file)
		}
	}
	return files, err
}

// migrationTexts are the statements of migrations that were not found yet, in
// the order in which they are applied.
type migrationTexts []struct{ name, text string }

func (m *migration) migrationTexts(down bool) (texts migrationTexts, err error) {
	files, err := m.newMigrations()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		up, back, _ := strings.Cut(string(text), "-- +goose Down")
		name, _, _ := strings.Cut(filepath.Base(file), "_")
		one := migrationTexts{{name, locks.Statement(up)}}
		if down {
			one[0].text = locks.Statement(back)
			texts = append(one, texts...)
		} else {
			texts = append(texts, one...)
		}
	}
	return texts, err
}

// find returns the number of the migration that contains a statement.
func (t *migrationTexts) find(statement string) string {
	const enough = 100
	for i, m := range *t {
		if strings.Contains(m.text, statement[:min(len(statement), enough)]) {
			*t = (*t)[i:]
			return m.name
		}
	}
	return ""
}
