// Package embedded runs a private PostgreSQL as a child process, so that
// `byline serve` works with no configuration and the tests have a real
// database.
//
// A data folder contains everything that belongs to one server:
//
//	lock                locked (flock) while a server runs; contains its pid
//	password            of the role byline, 0600, created with the cluster
//	superuser-password  of the role postgres, for an administrator
//	postgres/           the cluster, owned by the user PostgreSQL runs as
//	postgres-15/        the cluster before an upgrade to another major version
//	cache/              downloaded binaries, if CacheDir cannot be used
//
// Where to look: binaries.go finds PostgreSQL and archive.go downloads it;
// account.go drops root's privileges; cluster.go creates the cluster;
// process.go runs PostgreSQL, and watch.go ensures that it ends when this
// process does; supervise.go restarts it.
package embedded

import (
	"errors"
	"log/slog"
)

// ErrInUse is returned by Start when another server, in this process or in
// another one, is using the data folder.
var ErrInUse = errors.New("the data folder is in use by another byline")

// ErrNoCluster is returned by Start with Config.Existing if the data folder
// contains no cluster.
var ErrNoCluster = errors.New("there is no database in the folder")

// ErrNewest is returned by Upgrade if there is no newer PostgreSQL for the
// cluster.
var ErrNewest = errors.New("the cluster is not moved")

// Upgraded says what Upgrade has done.
type Upgraded struct {
	From, To string // versions of PostgreSQL
	Kept     string // the folder with the old cluster
}

// Instance is a server that another byline process runs.
type Instance struct {
	URL     string // contains the password
	DataDir string // absolute
	Owner   string // process id of the other byline
}

// Config configures a server. The zero value works; `byline serve` uses it when
// nothing is configured.
type Config struct {
	// DataDir is the folder for all data that must be preserved. Default:
	// ./.byline.
	DataDir string

	// BinDir is the bin folder of the PostgreSQL to run (14 or newer). If it is
	// empty, the newest installed PostgreSQL is used. If none is installed, one
	// is downloaded.
	BinDir string

	// CacheDir is the folder for downloaded binaries. Default: byline in the
	// user's cache folder, or DataDir/cache if PostgreSQL cannot read that
	// folder.
	CacheDir string

	// Settings are further PostgreSQL settings. They override the defaults of
	// this package, except for the settings that decide how the server is
	// reached.
	Settings map[string]string

	// Ephemeral gives up durability for speed and is meant for tests. If
	// PostgreSQL is killed, the last commits are lost; a crash of the machine
	// may destroy the cluster. Stop preserves the data.
	Ephemeral bool

	// Existing makes Start return ErrNoCluster, and change nothing, if there is no
	// cluster. Otherwise it creates one.
	Existing bool

	// Strict makes Start fail if the user that PostgreSQL runs as cannot reach
	// DataDir or CacheDir. Otherwise another folder is used and a warning is
	// logged. Set it when a person chose the folder.
	Strict bool

	// Logger also receives PostgreSQL's own log, one record for each line.
	// Default: slog.Default().
	Logger *slog.Logger

	// The remaining fields are for the tests of this package.
	bins         func() []string // folders to search for binaries; nil means usualBinDirs
	source       *source         // where to download from; nil means Maven Central
	fallbackRoot string          // parent of the data folders used when DataDir is not reachable
}

func (c *Config) setDefaults() {
	if c.DataDir == "" {
		c.DataDir = "./.byline"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.bins == nil {
		c.bins = usualBinDirs
	}
	if c.source == nil {
		c.source = &mavenCentral
	}
	if c.fallbackRoot == "" {
		c.fallbackRoot = "/var/lib/byline"
	}
}
