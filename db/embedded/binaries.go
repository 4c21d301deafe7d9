//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// oldestMajor is the oldest major version of PostgreSQL that the migrations and
// queries work with.
const oldestMajor = 14

// binaries describes an installed PostgreSQL.
type binaries struct {
	dir          string // the folder that contains initdb and postgres
	version      string // for example 15.13
	major, minor int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// hasLibrary reports whether the server can load a shared library. It looks
// into several folders because packages differ, and because pg_config is often
// in another package.
func (b binaries) hasLibrary(name string) bool {
	for _, dir := range []string{"lib", "lib/postgresql", "lib/pgsql", "lib64", "lib64/pgsql"} {
		for _, ext := range []string{".so", ".dylib"} {
			if _, err := os.Stat(filepath.Join(b.dir, "..", dir, name+ext)); err == nil {
				return true
			}
		}
	}
	return false
}

// usualBinDirs lists the folders where packages install PostgreSQL. Of equal
// versions the first one is used.
func usualBinDirs() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // the PostgreSQL project's RPMs
		"/usr/local/pgsql/bin",      // built from source
		"/usr/lib/postgresql*/bin",  // SUSE
		"/usr/libexec/postgresql*",  // Alpine
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)(?:\.(\d+))?\S*)`)

// inspect returns the version of the binaries in a folder.
func inspect(ctx context.Context, who account, dir string) (binaries, error) {
	b := binaries{dir: dir}
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(b.path(program)); err != nil {
			return b, fmt.Errorf("no PostgreSQL server in %s: %w", dir, err)
		}
	}
	if blocker := who.blocker(dir); blocker != "" {
		return b, fmt.Errorf("PostgreSQL in %s cannot be used: the user %s, that it would run as, may not enter the folder %s",
			dir, who.name, blocker)
	}
	out, err := who.command(ctx, b.path("postgres"), "--version").CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("%s --version: %w: %s", b.path("postgres"), err, out)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return b, fmt.Errorf("%s --version printed %q", b.path("postgres"), out)
	}
	b.version = string(m[1])
	b.major, _ = strconv.Atoi(string(m[2]))
	b.minor, _ = strconv.Atoi(string(m[3]))
	if b.major < oldestMajor {
		return b, fmt.Errorf("PostgreSQL %s in %s is too old: %d or newer is needed", b.version, dir, oldestMajor)
	}
	return b, nil
}

// findBinaries chooses the PostgreSQL to run for the cluster. major is the
// version of an existing cluster, or 0: only the major version that created a
// cluster can open it.
func findBinaries(ctx context.Context, cfg Config, who account, dataDir string, major int) (binaries, error) {
	if cfg.BinDir != "" {
		dir, err := filepath.Abs(cfg.BinDir)
		if err != nil {
			return binaries{}, err
		}
		b, err := inspect(ctx, who, dir)
		if err != nil {
			return b, fmt.Errorf("BYLINE_PG_BIN: %w", err)
		}
		if major != 0 && b.major != major {
			return b, versionMismatch(dataDir, major, b)
		}
		return b, nil
	}

	var newest, matching binaries
	dirs := cfg.bins()
	if major != 0 && major != cfg.source.major() {
		dirs = append(dirs, downloaded(cfg, who, dataDir)...)
	}
	for _, dir := range dirs {
		b, err := inspect(ctx, who, dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				cfg.Logger.Debug("embedded: PostgreSQL installation not used", "error", err)
			}
			continue
		}
		if b.newerThan(newest) {
			newest = b
		}
		if b.major == major && b.newerThan(matching) {
			matching = b
		}
	}
	if err := ctx.Err(); err != nil {
		return binaries{}, err
	}
	switch {
	case major != 0 && matching.dir != "":
		return matching, nil
	case major == 0 && newest.dir != "":
		return newest, nil
	case major == 0 || major == cfg.source.major():
		return download(ctx, cfg, who, dataDir)
	default:
		return binaries{}, versionMismatch(dataDir, major, newest)
	}
}

func (b binaries) newerThan(other binaries) bool {
	return b.major > other.major || b.major == other.major && b.minor > other.minor
}

func versionMismatch(dataDir string, major int, found binaries) error {
	have := "no PostgreSQL was found"
	if found.dir != "" {
		have = fmt.Sprintf("only PostgreSQL %s (%s) was found", found.version, found.dir)
	}
	return fmt.Errorf("the cluster in %s was created by PostgreSQL %d, and %s: install PostgreSQL %[2]d "+
		"or set BYLINE_PG_BIN to its bin folder; byline upgrade-postgres moves the data to a newer version, "+
		"for which both are needed", filepath.Join(dataDir, clusterName), major, have)
}

// download installs the pinned PostgreSQL in the cache folder.
func download(ctx context.Context, cfg Config, who account, dataDir string) (binaries, error) {
	cache, err := cacheDir(cfg, who, dataDir)
	if err != nil {
		return binaries{}, err
	}
	src := *cfg.source
	src.log = cfg.Logger
	dir, err := src.install(ctx, cache, func(dir string) error {
		_, err := inspect(ctx, who, dir)
		return err
	})
	if err != nil {
		return binaries{}, fmt.Errorf("no PostgreSQL %d or newer is installed, and downloading one failed: %w "+
			"(install PostgreSQL, set BYLINE_PG_BIN to its bin folder, or set DATABASE_URL)", oldestMajor, err)
	}
	return inspect(ctx, who, dir)
}

// downloaded returns the bin folders of all versions that this release and
// earlier ones have downloaded.
func downloaded(cfg Config, who account, dataDir string) []string {
	cache, err := cacheDir(cfg, who, dataDir)
	if err != nil {
		return nil
	}
	dirs, _ := filepath.Glob(filepath.Join(cache, "postgres-*", "bin"))
	return dirs
}

// cacheDir chooses the folder for downloads, which PostgreSQL must be able to
// read.
func cacheDir(cfg Config, who account, dataDir string) (string, error) {
	fallback := filepath.Join(dataDir, "cache")
	wanted, level := cfg.CacheDir, slog.LevelWarn
	if wanted == "" {
		level = slog.LevelDebug
		user, err := os.UserCacheDir()
		if err != nil {
			return fallback, makeDir(fallback, 0o755)
		}
		wanted = filepath.Join(user, "byline")
	}
	wanted, err := resolve(wanted)
	if err == nil {
		if blocker := who.blocker(wanted); blocker != "" {
			err = fmt.Errorf("PostgreSQL runs as %s, which may not enter the folder %s", who.name, blocker)
		} else {
			err = makeDir(wanted, 0o755)
		}
	}
	if err == nil {
		return wanted, nil
	}
	if cfg.Strict && cfg.CacheDir != "" {
		return "", fmt.Errorf("the cache folder %s cannot be used: %w", cfg.CacheDir, err)
	}
	cfg.Logger.Log(context.Background(), level, "embedded: using another folder for downloads",
		"folder", fallback, "reason", err)
	return fallback, makeDir(fallback, 0o755)
}
