//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// movedName is the name of a cluster that has all data of the one with
	// clusterName and is about to take its place.
	movedName = clusterName + ".new"
	// unusedPrefix starts the names of clusters with movedName whose place was
	// taken.
	unusedPrefix = clusterName + "-unused-"
	// upgradePrefix starts the names of folders with a cluster that does not
	// have all data yet.
	upgradePrefix = "upgrade-"
	// moveStopTimeout is how long a server may take to write everything to
	// the disk.
	moveStopTimeout = 5 * time.Minute
	// removePatience is how long programs may write into a folder that has to be
	// deleted.
	removePatience = 5 * time.Second
)

// Upgrade moves the cluster in the data folder to the newest major version of
// PostgreSQL that can be found. It runs the old cluster, which accepts no writes
// meanwhile, and a new one beside it, calls move to copy the data, and then
// exchanges their folders. The old cluster stays in the data folder, under
// another name. If this process ends at any moment, the next start finds a
// complete cluster: the old one, or the new one after move has returned.
//
// oldBin is the bin folder of the old PostgreSQL. If it is empty, Upgrade looks
// for it as Start does. cfg.BinDir is that of the new one.
func Upgrade(ctx context.Context, cfg Config, oldBin string, move func(ctx context.Context, from, to string) error) (_ Upgraded, err error) {
	cfg.setDefaults()
	clearEnvironment()
	cfg.Existing = true
	target, err := upgradeTarget(ctx, cfg)
	if err != nil {
		return Upgraded{}, fmt.Errorf("embedded: %w", err)
	}
	old, err := Start(ctx, readOnly(cfg, oldBin))
	if err != nil {
		return Upgraded{}, err
	}
	// The data folder stays locked until the clusters are exchanged. supervise
	// looks for the lock only after the stop.
	lock := old.lock
	old.lock = nil
	defer func() { err = errors.Join(err, stopWithin(old), lock.Close()) }()
	if old.bins.major >= target.major { // an upgrade that was killed had been complete
		return Upgraded{}, fmt.Errorf("embedded: %w: it is of PostgreSQL %s already", ErrNewest, old.bins.version)
	}
	kept := filepath.Join(old.dataDir, clusterName+"-"+strconv.Itoa(old.bins.major))
	if exists(kept) {
		return Upgraded{}, fmt.Errorf("embedded: %s exists: it is the old cluster of an earlier upgrade; move it away, or delete it", kept)
	}
	temp, err := os.MkdirTemp(old.dataDir, upgradePrefix)
	if err != nil {
		return Upgraded{}, fmt.Errorf("embedded: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := moveInto(ctx, cfg, old, target, temp, move); err != nil {
		return Upgraded{}, err
	}
	if err := stopWithin(old); err != nil {
		return Upgraded{}, err
	}
	if err := exchange(old.dataDir, filepath.Join(temp, clusterName), kept); err != nil {
		return Upgraded{}, fmt.Errorf("embedded: %w", err)
	}
	return Upgraded{From: old.bins.version, To: target.version, Kept: kept}, nil
}

// readOnly returns the configuration of the old cluster.
func readOnly(cfg Config, oldBin string) Config {
	settings := map[string]string{"default_transaction_read_only": "on"}
	maps.Copy(settings, cfg.Settings)
	cfg.BinDir, cfg.Settings = oldBin, settings
	return cfg
}

// upgradeTarget returns the newest PostgreSQL that can be found, or an error if
// it is not newer than the cluster.
func upgradeTarget(ctx context.Context, cfg Config) (b binaries, err error) {
	dataDir, who, err := chooseDataDir(cfg)
	if err != nil {
		return b, err
	}
	major, err := clusterMajor(dataDir)
	switch {
	case err != nil:
		return b, err
	case major == 0 && !exists(filepath.Join(dataDir, movedName)):
		return b, fmt.Errorf("%w %s", ErrNoCluster, dataDir)
	}
	if b, err = findBinaries(ctx, cfg, who, dataDir, 0); err != nil {
		return b, err
	}
	if cfg.BinDir == "" && b.major < cfg.source.major() {
		if major < cfg.source.major() {
			if err := requireUnused(dataDir); err != nil {
				return b, err
			}
		}
		if b, err = download(ctx, cfg, who, dataDir); err != nil {
			return b, err
		}
	}
	switch {
	case b.major == major:
		return b, fmt.Errorf("%w: it is of PostgreSQL %d, and no newer one was found; if BYLINE_PG_BIN is set, it must be the bin folder of the newer one", ErrNewest, major)
	case b.major < major:
		return b, fmt.Errorf("%w: it is of PostgreSQL %d, and %s (%s) is older. A way down is to restore a backup into a new data folder", ErrNewest, major, b.version, b.dir)
	}
	return b, nil
}

// requireUnused returns ErrInUse if another byline uses the data folder, so that
// nothing is downloaded in vain. Start locks the folder later.
func requireUnused(dataDir string) error {
	lock, err := acquire(dataDir)
	if err != nil {
		return err
	}
	return lock.Close()
}

// moveInto creates a cluster in a folder, and copies the data of the old one
// into it. It has the same passwords.
func moveInto(ctx context.Context, cfg Config, old *Server, bins binaries, temp string, move func(ctx context.Context, from, to string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("embedded: the cluster stays as it was: %w", err)
		}
	}()
	superuser, err := readPassword(old.dataDir, superuserPasswordFile)
	if err != nil {
		return err
	}
	if err := fillFolder(ctx, old.who, bins, temp, superuser, old.password, cfg.Ephemeral); err != nil {
		return err
	}
	s := newServer(cfg)
	s.who, s.bins, s.dataDir, s.cluster, s.password = old.who, bins, old.dataDir, filepath.Join(temp, clusterName), old.password
	if s.args, err = serverArgs(ctx, cfg, s.who, bins, s.cluster); err != nil {
		return err
	}
	p, err := s.launch(ctx, true)
	if err != nil {
		return err
	}
	go s.supervise(p)
	cfg.Logger.Info("embedded: moving the data", "from", old.bins.version, "to", bins.version)
	err = move(ctx, acceptReadOnly(old.LocalURL()), s.LocalURL())
	return errors.Join(err, stopWithin(s))
}

// acceptReadOnly returns a URL for connections that need not be able to write.
func acceptReadOnly(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("target_session_attrs", "any")
	u.RawQuery = q.Encode()
	return u.String()
}

func stopWithin(s *Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), moveStopTimeout)
	defer cancel()
	return s.Stop(ctx)
}

// exchange gives a new cluster the place of the old one, by three renames. A
// process that is killed between them leaves what finishUpgrade completes.
func exchange(dataDir, moved, kept string) error {
	cluster, ready := filepath.Join(dataDir, clusterName), filepath.Join(dataDir, movedName)
	for _, rename := range [][2]string{{moved, ready}, {cluster, kept}, {ready, cluster}} {
		if err := os.Rename(rename[0], rename[1]); err != nil {
			return err
		}
		if err := syncDir(dataDir); err != nil {
			return err
		}
	}
	return nil
}

// finishUpgrade completes or takes back an upgrade that was killed. The caller
// holds the lock on the data folder.
func finishUpgrade(dataDir string, log *slog.Logger) error {
	left, _ := filepath.Glob(filepath.Join(dataDir, upgradePrefix+"*"))
	for _, path := range left {
		if err := removeInUse(path); err != nil {
			log.Warn("embedded: the rest of an upgrade that was killed cannot be deleted", "error", err)
		}
	}
	cluster, ready := filepath.Join(dataDir, clusterName), filepath.Join(dataDir, movedName)
	switch {
	case !exists(ready):
		return nil
	case exists(filepath.Join(cluster, "PG_VERSION")):
		// The old cluster is still in its place, and may be written from now
		// on, so that the new one would lack something. It is not deleted: an
		// older release, which does not know it, may have put an empty cluster
		// there.
		unused := filepath.Join(dataDir, unusedPrefix+time.Now().UTC().Format("20060102T150405.000"))
		log.Warn("embedded: an upgrade of PostgreSQL was killed; delete its copy of the data when you have seen that the service has all", "folder", unused)
		return os.Rename(ready, unused)
	}
	if err := os.Rename(ready, cluster); err != nil {
		return err
	}
	return syncDir(dataDir)
}

// removeInUse deletes a folder. The programs of an upgrade that was killed end a
// moment after it, and can still write files meanwhile.
func removeInUse(path string) (err error) {
	for end := time.Now().Add(removePatience); ; time.Sleep(50 * time.Millisecond) {
		if err = os.RemoveAll(path); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// clusterPath returns the folder of the cluster in a data folder, also if an
// upgrade was killed.
func clusterPath(dataDir string) string {
	cluster, ready := filepath.Join(dataDir, clusterName), filepath.Join(dataDir, movedName)
	if !exists(cluster) && exists(ready) {
		return ready
	}
	return cluster
}
