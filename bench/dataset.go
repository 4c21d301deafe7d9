package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
)

// seedPassword is what `byline seed` gives every account.
const seedPassword = "byline-demo"

// sizes is the data set of the measured facts, times scale; tags stay, since they grow least in life.
func sizes(scale int) conduit.Sizes {
	return conduit.Sizes{Users: 1000 * scale, Articles: 10_000 * scale, Comments: 50_000 * scale, Favorites: 100_000 * scale, Follows: 20_000 * scale, Tags: 200}
}

func seedArgs(n conduit.Sizes) []string {
	args := []string{"seed", "--seed=1", "--body-bytes=2000", "--tags-per-article=3"}
	for _, size := range []struct {
		name string
		n    int
	}{{"users", n.Users}, {"articles", n.Articles}, {"comments", n.Comments}, {"favorites", n.Favorites}, {"follows", n.Follows}, {"tags", n.Tags}} {
		args = append(args, fmt.Sprintf("--%s=%d", size.name, size.n))
	}
	return args
}

// dataset is a prepared data folder and what is in it. It is copied before use and never changed.
type dataset struct {
	dir       string
	scale     int
	catalogue *conduit.Catalogue
}

// datasetFormat changes when this program prepares data sets differently.
const datasetFormat = "1"

// datasetKey names a data set by all that decides its bytes: sizes, schema, and the code that makes the rows.
func datasetKey(repo string, scale int) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, datasetFormat, seedArgs(sizes(scale)))
	for _, pattern := range []string{"db/migrations/*.sql", "db/seed/*.go"} {
		files, err := filepath.Glob(filepath.Join(repo, pattern))
		if err != nil {
			return "", err
		}
		if len(files) == 0 {
			return "", fmt.Errorf("%s has no %s: name the repository with --repo", repo, pattern)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(text), text)
		}
	}
	return fmt.Sprintf("scale%d-%s", scale, hex.EncodeToString(hash.Sum(nil)[:8])), nil
}

// prepare returns a data set from the cache, or makes it with the program: seeded, vacuumed, checkpointed by a clean stop.
func (b *bench) prepare(ctx context.Context, program, repo string, scale int) (*dataset, error) {
	key, err := datasetKey(repo, scale)
	if err != nil {
		return nil, err
	}
	d := &dataset{dir: filepath.Join(b.cache, key, "data"), scale: scale}
	index := filepath.Join(b.cache, key, "catalogue.json")
	if text, err := os.ReadFile(index); err == nil {
		if err := json.Unmarshal(text, &d.catalogue); err != nil {
			return nil, fmt.Errorf("%s: %w", index, err)
		}
		return d, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	b.say("preparing the data set of scale %d (once; it is kept in %s)", scale, b.cache)
	work, err := workDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	data := filepath.Join(work, "data")
	out, err := machine.Output(ctx, work, machine.Environment("BYLINE_DATA_DIR="+data), program, seedArgs(sizes(scale))...)
	if err != nil {
		return nil, err
	}
	b.say("%s", strings.SplitN(strings.TrimSpace(out), "\n", 2)[0])
	t, err := start(ctx, program, work, data)
	if err != nil {
		return nil, err
	}
	d.catalogue, err = conduit.Read(ctx, t.site)
	if err = errors.Join(err, t.stop()); err != nil {
		return nil, err
	}
	// Aside first, so that a broken copy is never taken for a data set.
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return nil, err
	}
	aside, err := os.MkdirTemp(b.cache, "unfinished-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(aside)
	text, err := json.Marshal(d.catalogue)
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.WriteFile(filepath.Join(aside, "catalogue.json"), text, 0o644), copyDir(ctx, data, filepath.Join(aside, "data")))
	if err != nil {
		return nil, err
	}
	return d, os.Rename(aside, filepath.Join(b.cache, key))
}

// copyDir copies with owners and modes, which PostgreSQL is strict about; cp shares blocks where the file system can.
func copyDir(ctx context.Context, from, to string) error {
	_, err := machine.Output(ctx, "", os.Environ(), "cp", "-a", from, to)
	return err
}

// workDir is a fresh folder that the user PostgreSQL runs as may enter.
func workDir() (string, error) {
	dir, err := os.MkdirTemp("", "byline-bench-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// users are seeded accounts, spread over those who wrote.
func (d *dataset) users(n int) []conduit.User {
	authors := d.catalogue.Authors
	n = min(n, len(authors))
	out := make([]conduit.User, n)
	for i := range out {
		name := authors[i*len(authors)/n]
		out[i] = conduit.User{Name: name, Email: name + "@example.com", Password: seedPassword}
	}
	return out
}
