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

// seedPassword is the password of every account that `byline seed` creates.
const seedPassword = "byline-demo"

// sizes returns the sizes of the standard data set, multiplied by scale.
func sizes(scale int) conduit.Sizes { return sizesOf(10_000 * scale) }

// sizesOf returns the sizes of a data set with a number of articles. The number
// of tags stays the same, because it grows slowest in practice.
func sizesOf(articles int) conduit.Sizes {
	return conduit.Sizes{Users: articles / 10, Articles: articles, Comments: 5 * articles, Favorites: 10 * articles, Follows: 2 * articles, Tags: 200}
}

// seed fills a data folder by a program, and returns what it prints, and whether
// there are drafts and threads. Older programs cannot add them, and have no
// newsroom. All add the same other rows.
func seed(ctx context.Context, work, data, program string, n conduit.Sizes) (out string, drafts bool, err error) {
	env, args := machine.Environment("BYLINE_DATA_DIR="+data), seedArgs(n)
	help, err := machine.Output(ctx, work, env, program, "seed", "--help")
	if err != nil {
		return "", false, err
	}
	if strings.Contains(help, "--newsroom") {
		args = append(args, "--newsroom=false")
	}
	if drafts = strings.Contains(help, "--drafts"); drafts {
		some := n.Articles / 20
		args = append(args, fmt.Sprintf("--drafts=%d", some), fmt.Sprintf("--replies=%d", some))
	}
	out, err = machine.Output(ctx, work, env, program, args...)
	return out, drafts, err
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

// dataset is a prepared data folder with its catalogue. It is copied before use
// and never changed.
type dataset struct {
	dir       string
	scale     int
	catalogue *conduit.Catalogue
}

// datasetFormat must be changed when this program prepares data sets
// differently.
const datasetFormat = "2"

// datasetKey returns a name for a data set that depends on everything that
// determines its bytes: the sizes, the schema, and the code that generates the
// rows.
func datasetKey(repo string, scale int) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, datasetFormat, seedArgs(sizes(scale)))
	for _, pattern := range []string{"db/migrations/*.sql", "db/seed/*.go"} {
		files, err := filepath.Glob(filepath.Join(repo, pattern))
		if err != nil {
			return "", err
		}
		if len(files) == 0 {
			return "", fmt.Errorf("%s has no %s: set the repository with --repo", repo, pattern)
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

// prepare returns a data set from the cache. If there is none, it runs the
// program to create one: it seeds the database, vacuums it and shuts it down
// cleanly, which writes a checkpoint.
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
	b.say("preparing the data set of scale %d (once; it is stored in %s)", scale, b.cache)
	work, err := workDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	data := filepath.Join(work, "data")
	out, drafts, err := seed(ctx, work, data, program, sizes(scale))
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
	if drafts {
		// An account with which no other scenario signs in: what editors read may
		// cost more.
		d.catalogue.Editor = d.catalogue.Authors[len(d.catalogue.Authors)-1]
		if _, err := machine.Output(ctx, work, machine.Environment("BYLINE_DATA_DIR="+data), program, "admin", "promote", d.catalogue.Editor); err != nil {
			return nil, err
		}
	}
	// The data set is built in a temporary folder, so that an incomplete copy
	// is never used.
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(b.cache, "unfinished-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	text, err := json.Marshal(d.catalogue)
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.WriteFile(filepath.Join(temp, "catalogue.json"), text, 0o644), copyDir(ctx, data, filepath.Join(temp, "data")))
	if err != nil {
		return nil, err
	}
	return d, os.Rename(temp, filepath.Join(b.cache, key))
}

// copyDir copies a folder with owners and modes, which PostgreSQL checks. cp
// shares blocks if the file system supports it.
func copyDir(ctx context.Context, from, to string) error {
	_, err := machine.Output(ctx, "", os.Environ(), "cp", "-a", from, to)
	return err
}

// workDir creates a folder that the user PostgreSQL runs as can enter.
func workDir() (string, error) {
	dir, err := os.MkdirTemp("", "byline-bench-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// users returns n seeded accounts, spread over all authors.
func (d *dataset) users(n int) []conduit.User {
	authors := d.catalogue.Authors
	n = min(n, len(authors))
	out := make([]conduit.User, n)
	for i := range out {
		out[i] = seeded(authors[i*len(authors)/n])
	}
	return out
}

// teamWriters is how many accounts read their drafts. Those who wrote last have
// some.
const teamWriters = 16

// team returns the accounts for the scenarios of a team, if there are drafts.
func (d *dataset) team() (team conduit.Team) {
	if d.catalogue.Editor == "" {
		return team
	}
	for _, name := range d.catalogue.Authors[:min(teamWriters, len(d.catalogue.Authors))] {
		team.Writers = append(team.Writers, seeded(name))
	}
	team.Editor = seeded(d.catalogue.Editor)
	return team
}

func seeded(name string) conduit.User {
	return conduit.User{Name: name, Email: name + "@example.com", Password: seedPassword}
}
