//go:build unix

package mysqltest

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged returns how to start a program in a process group of its own, so
// that an interrupt of the test does not reach it. MariaDB refuses to run as root,
// so then the program runs as nobody, to whom the folder is given.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return attributes, nil
	}
	account, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	// macOS gives nobody the id -2.
	uid, uidErr := strconv.ParseInt(account.Uid, 10, 64)
	gid, gidErr := strconv.ParseInt(account.Gid, 10, 64)
	if uidErr != nil || gidErr != nil {
		return nil, fmt.Errorf("the user nobody has the ids %q and %q", account.Uid, account.Gid)
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes, os.Chown(dir, int(uid), int(gid))
}
