// Package embedded runs a private PostgreSQL as a child process, so that
// `byline serve` works with no configuration and the tests have a real database.
//
// A data folder holds everything that belongs to one server:
//
//	lock                held (flock) while a server runs; contains the pid of its owner
//	password            of the role byline, 0600, made with the cluster
//	superuser-password  of the role postgres, for an administrator
//	postgres/           the cluster, owned by the user PostgreSQL runs as
//	cache/              downloaded binaries, when no better place is reachable
//
// Where to look: binaries.go finds PostgreSQL and archive.go downloads it;
// account.go drops root's privileges; cluster.go makes the cluster; process.go
// runs PostgreSQL so that it cannot outlive us; supervise.go restarts it.
package embedded

import (
	"errors"
	"log/slog"
)

// ErrInUse is returned by Start when another server, of this process or of
// another one, is using the data folder.
var ErrInUse = errors.New("the data folder is in use by another byline")

// Config says where the server lives. The zero value works: it is what
// `byline serve` uses without any settings.
type Config struct {
	// DataDir is the folder for all that must last. Default: ./.byline.
	DataDir string

	// BinDir is the bin folder of the PostgreSQL to run (14 or newer). When it
	// is empty the newest one installed is used, and when there is none, one is
	// downloaded.
	BinDir string

	// CacheDir keeps downloaded binaries. Default: byline in the user's cache
	// folder, or DataDir/cache when PostgreSQL could not read from there.
	CacheDir string

	// Settings are further PostgreSQL settings; they win over the defaults of
	// this package, except for those that decide how the server is reached.
	Settings map[string]string

	// Ephemeral gives up durability for speed. It is for tests: when PostgreSQL is
	// killed the last commits are lost, and a crash of the machine may destroy the
	// cluster. Stop keeps the data.
	Ephemeral bool

	// Strict refuses a DataDir or CacheDir that the user PostgreSQL runs as
	// cannot reach, where otherwise another place is used and logged. Set it
	// when a person chose the folder.
	Strict bool

	// Logger receives PostgreSQL's own log as well, a record a line. Default:
	// slog.Default().
	Logger *slog.Logger

	// The rest is for the tests of this package.
	bins         func() []string // folders to search for binaries; nil = the usual ones
	source       *source         // where to download from; nil = Maven Central
	fallbackRoot string          // parent of data folders moved out of unreachable places
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
