//go:build unix

package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is the operating system user that PostgreSQL runs as.
type account struct {
	name     string
	uid, gid uint32
	drop     bool // this process is root, and PostgreSQL refuses to run as root
}

// accountFor chooses the user for the cluster at path. When this process is
// root, an existing cluster keeps its owner, so that a cluster that a normal
// user created also works under sudo.
func accountFor(path string) (account, error) {
	me := account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	me.name = userName(me.uid)
	if info, err := os.Stat(path); err == nil {
		owner := info.Sys().(*syscall.Stat_t)
		switch {
		case me.uid == 0 && owner.Uid == 0:
			return me, fmt.Errorf("%s belongs to root, and PostgreSQL refuses to run as root: "+
				"give it to another user (chown -R postgres %[1]s)", path)
		case me.uid == 0:
			return account{userName(owner.Uid), owner.Uid, owner.Gid, true}, nil
		case owner.Uid != me.uid:
			return me, fmt.Errorf("%s belongs to uid %d and this is uid %d: "+
				"run byline as that user or as root, or choose another data folder", path, owner.Uid, me.uid)
		}
	}
	if me.uid != 0 {
		return me, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		// macOS gives nobody the id -2.
		uid, uidErr := strconv.ParseInt(u.Uid, 10, 64)
		gid, gidErr := strconv.ParseInt(u.Gid, 10, 64)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name, uint32(uid), uint32(gid), true}, nil
		}
	}
	return me, errors.New("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: " +
		"run byline as another user, or set DATABASE_URL")
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

// command prepares a program to run as the account. The environment is reduced
// to a few variables: PG* variables would change what PostgreSQL does, and it
// must not see our secrets. The program runs in a session of its own, so that
// Ctrl-C and hangups of the terminal do not reach it, and so that cancelling
// ctx kills it together with its children.
func (a account) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// chown makes the account the owner of path.
func (a account) chown(path string) error {
	if !a.drop {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// blocker returns the topmost existing folder on the path to dir (or dir
// itself) that the account may not enter. It returns "" if the account may
// enter all of them.
func (a account) blocker(dir string) string {
	if !a.drop {
		return ""
	}
	at := "/"
	for _, name := range strings.Split(strings.Trim(dir, "/"), "/") {
		at = filepath.Join(at, name)
		info, err := os.Stat(at)
		if err != nil {
			return ""
		}
		owner, mode := info.Sys().(*syscall.Stat_t), info.Mode().Perm()
		pass := mode&0o001 != 0
		switch {
		case owner.Uid == a.uid:
			pass = mode&0o100 != 0
		case owner.Gid == a.gid:
			pass = mode&0o010 != 0
		}
		if !pass {
			return at
		}
	}
	return ""
}

// chooseDataDir returns the data folder to use and the user that PostgreSQL
// runs as. The folder may not exist yet.
func chooseDataDir(cfg Config) (string, account, error) {
	dir, err := resolve(cfg.DataDir)
	if err != nil {
		return "", account{}, err
	}
	who, err := accountFor(clusterPath(dir))
	if err != nil {
		return "", who, err
	}
	if blocker := who.blocker(dir); blocker != "" {
		reason := fmt.Sprintf("PostgreSQL runs as %s, which may not enter the folder %s", who.name, blocker)
		if cfg.Strict {
			return "", who, fmt.Errorf("the data folder %s cannot be used: %s: "+
				"choose another folder, or allow it (chmod o+x %s)", dir, reason, blocker)
		}
		sum := sha256.Sum256([]byte(dir))
		wanted := dir
		dir = filepath.Join(cfg.fallbackRoot, hex.EncodeToString(sum[:6]))
		cfg.Logger.Warn("embedded: using another data folder", "folder", dir, "wanted", wanted, "reason", reason)
		if who, err = accountFor(clusterPath(dir)); err != nil {
			return "", who, err
		}
		if blocker := who.blocker(dir); blocker != "" {
			return "", who, fmt.Errorf("neither the data folder %s nor %s can be used: %s may not enter the folder %s",
				wanted, dir, who.name, blocker)
		}
	}
	return dir, who, nil
}

// makeDataDir creates the data folder if it does not exist.
func makeDataDir(dir string, who account) error {
	mode := fs.FileMode(0o700)
	if who.drop {
		mode = 0o711
	}
	return makeDir(dir, mode)
}

// resolve makes a path absolute and resolves its symbolic links. The last parts
// of the path need not exist.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return resolved, err
	}
	parent, err := resolve(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}

// makeDir creates a folder and its missing parents with exactly this mode,
// whatever the umask is. Existing folders are not changed.
func makeDir(dir string, mode fs.FileMode) error {
	err := os.Mkdir(dir, mode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(filepath.Dir(dir), mode); err != nil {
			return err
		}
		err = os.Mkdir(dir, mode)
	}
	if err == nil {
		return os.Chmod(dir, mode)
	}
	if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
		return nil
	}
	return err
}
