package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/gainpage"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/replica"
	"github.com/byline-api/byline/bench/internal/report"
)

// maxTagLength is the length of a tag in openapi.yaml.
const maxTagLength = 50

// replicated is a server with the data of a snapshot.
type replicated struct {
	target             *target
	reader             conduit.User
	stored             *replica.Result
	server, postgreSQL string // versions
}

// gain is one run of bench gain. Arrays of two have the backend first.
type gain struct {
	*bench
	report  *report.Gain
	targets [2]*target
	worlds  [2]*conduit.World
	reader  conduit.User // of the backend
	mark    string
	began   time.Time
	ended   string // why nothing more is measured, or ""
}

// compareWith measures a backend and a server with the same data that replicate
// starts. The backend is only read, unless the options permit writes.
func (b *bench) compareWith(ctx context.Context, stdout io.Writer, replicate func(context.Context, *conduit.Snapshot, string) (*replicated, error)) (err error) {
	site, err := conduit.ParseURL(ctx, b.url, conduit.Reach{Private: true, Host: b.gain.allowHost})
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	g := &gain{bench: b, mark: "benchmark-" + mark(), began: time.Now(), report: &report.Gain{
		Machine: machine.Describe(ctx, b.repo), Backend: b.url,
		Settings: report.GainSettings{Connections: b.connections, Rounds: b.rounds, Warm: b.warm, Measure: b.options.measure, MaxP99: maxP99},
	}}
	if err := g.checkFiles(); err != nil {
		return err
	}
	g.targets[report.Backend] = &target{site: site, pid: b.pid, pgPID: b.postgres}
	snapshot, err := g.read(ctx, site)
	if err != nil {
		return fmt.Errorf("%s: %w", b.url, err)
	}
	b.say("starting a Byline with this data")
	r, err := replicate(ctx, snapshot, g.mark)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.target.stop()) }()
	if err := g.enter(ctx, snapshot, r); err != nil {
		return err
	}
	measured := g.measureAll(ctx)
	if ctx.Err() != nil {
		return measured
	}
	// What was measured until an error is worth the time it took.
	g.note()
	return errors.Join(measured, g.publish(stdout))
}

// read reads the data of the backend.
func (g *gain) read(ctx context.Context, site conduit.Site) (*conduit.Snapshot, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, g.gain.limit, errors.New("reading the articles took longer than --limit; copy fewer with --articles"))
	defer cancel()
	if g.gain.signedIn() {
		var err error
		if g.reader, err = conduit.ReaderOf(ctx, site, g.gain.login); err != nil {
			return nil, err
		}
	}
	g.say("reading the newest articles of the backend, up to %d", g.articles)
	s, err := conduit.TakeSnapshot(ctx, site, g.reader.Token, conduit.Bounds{Articles: g.articles, Comments: g.gain.comments})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	if len(s.Articles) == 0 && s.Why != nil {
		return nil, fmt.Errorf("none of the %d articles can be read: %w", s.Lost, s.Why)
	}
	if len(s.Articles) == 0 && s.Cut != "" {
		return nil, errors.New("the newest article has more comments or text than may be copied; raise --comments")
	}
	if len(s.Articles) == 0 {
		return nil, errors.New("the backend has no articles, so that there is nothing to compare; fill it, or give the --url of one with data")
	}
	g.say("read %d articles with %d comments in %s", len(s.Articles), s.Comments, time.Since(g.began).Round(time.Second))
	return s, nil
}

// startReplica starts a Byline in a temporary folder, with its embedded
// PostgreSQL and its default settings, and stores the snapshot in it.
func (b *bench) startReplica(ctx context.Context, s *conduit.Snapshot, mark string) (r *replicated, err error) {
	if _, err := os.Stat(b.byline); err != nil {
		return nil, fmt.Errorf("%w; build it with make build, or name it with --byline", err)
	}
	work, err := workDir()
	if err != nil {
		return nil, err
	}
	t, err := start(ctx, b.byline, work, filepath.Join(work, "data"))
	if err != nil {
		_ = os.RemoveAll(work)
		return nil, err
	}
	stop := t.stop
	t.stop = func() error {
		defer os.RemoveAll(work)
		return stop()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.stop())
		}
	}()
	r = &replicated{target: t}
	r.server, r.postgreSQL = t.versions(ctx, b.byline)
	if r.reader, err = conduit.NewReader(ctx, t.site, mark); err != nil {
		return nil, err
	}
	url, err := t.cluster.URL()
	if err != nil {
		return nil, err
	}
	if r.stored, err = replica.Store(ctx, url, s, r.reader.Name, mark); err != nil {
		return nil, err
	}
	readers := []conduit.User{r.reader}
	err = conduit.SignIn(ctx, t.site, readers) // for the size of its feed
	r.reader = readers[0]
	return r, err
}

// enter prepares the requests, which are the same for both.
func (g *gain) enter(ctx context.Context, s *conduit.Snapshot, r *replicated) error {
	listed := len(s.Articles)
	s.Keep(r.stored.Slugs)
	if len(s.Articles) == 0 {
		return fmt.Errorf("Byline can store none of the %d articles, so that there is nothing to compare: %v", listed, r.stored.Refused)
	}
	g.targets[report.Byline] = r.target
	g.say("stored %d articles with %d comments and %d favorites", len(s.Articles), r.stored.Comments, r.stored.Favorites)
	c := s.Catalogue()
	if err := c.Tagged(ctx, [2]conduit.Site{g.targets[0].site, g.targets[1].site}); err != nil {
		return err
	}
	// New articles have tags of the others, and the API of Byline refuses longer
	// ones.
	c.Tags = slices.DeleteFunc(c.Tags, func(tag string) bool { return utf8.RuneCountInString(tag) > maxTagLength })
	for side, reader := range [2]conduit.User{g.reader, r.reader} {
		own := *c
		// Only the backend may count the page instead of the list.
		own.PageCounts = c.PageCounts && side == report.Backend
		w, err := conduit.NewWorldOf(g.targets[side].site, &own, reader, g.mark)
		if err != nil {
			return err
		}
		g.worlds[side] = w
	}
	g.report.Machine.Server, g.report.Machine.PostgreSQL = r.server, r.postgreSQL
	g.report.Data = report.GainData{Articles: len(s.Articles), Total: s.Total, Authors: len(c.Authors), Tags: len(c.Tags), Comments: r.stored.Comments,
		Favorites: r.stored.Favorites, Refused: r.stored.Refused}
	g.noteData(s, r.stored)
	return nil
}

// checkFiles makes sure that the results can be written, before they have taken
// minutes.
func (g *gain) checkFiles() error {
	for name, file := range map[string]string{"json": g.json, "html": g.gain.html} {
		if file == "" {
			continue
		}
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		switch {
		case err == nil:
			err = errors.Join(f.Close(), os.Remove(file))
		case errors.Is(err, fs.ErrExist):
			if f, err = os.OpenFile(file, os.O_WRONLY, 0); err == nil {
				err = f.Close()
			}
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
	}
	return nil
}

// publish prints the figures and writes the files.
func (g *gain) publish(stdout io.Writer) error {
	g.report.Judge()
	if err := g.report.Print(stdout); err != nil {
		return err
	}
	if g.json != "" {
		if err := report.WriteJSON(g.json, g.report); err != nil {
			return err
		}
	}
	if g.gain.html == "" {
		return nil
	}
	f, err := os.Create(g.gain.html)
	if err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	if err := errors.Join(gainpage.Write(f, g.report), f.Close()); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "\nThe page is %s. It contains everything that it shows, and nothing was sent anywhere.\n", g.gain.html)
	return err
}
