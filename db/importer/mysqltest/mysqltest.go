// Package mysqltest runs a MariaDB for tests.
package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of database/sql
)

// server is the one that all tests of a package share.
var server struct {
	sync.Mutex
	dir, socket string
	process     *exec.Cmd
	databases   int
}

// Database returns the address of a new database with the tables and rows of a
// script, as Prisma writes it. It skips the test if MariaDB is not installed, unless BYLINE_MYSQL is required.
func Database(t testing.TB, script string) (url string) {
	t.Helper()
	program, err := exec.LookPath("mariadbd")
	if err != nil {
		if os.Getenv("BYLINE_MYSQL") == "required" {
			t.Fatal("mysqltest: mariadbd is not installed")
		}
		t.Skip("mysqltest: mariadbd is not installed")
	}
	server.Lock()
	defer server.Unlock()
	if server.process == nil {
		if err := start(program); err != nil {
			t.Fatal("mysqltest: ", err)
		}
	}
	server.databases++
	name := fmt.Sprintf("test%d", server.databases)
	dsn := "root@unix(" + server.socket + ")/"
	if err := execute(t.Context(), dsn, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatal("mysqltest: ", err)
	}
	if err := execute(t.Context(), dsn+name+"?multiStatements=true&sql_mode=%27%27", script); err != nil {
		t.Fatal("mysqltest: ", err)
	}
	return "mysql://root@localhost/" + name + "?socket=" + server.socket
}

func execute(ctx context.Context, dsn, script string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, script)
	return err
}

// start starts a server in a folder of its own, with a socket and no port.
func start(program string) (err error) {
	dir, err := os.MkdirTemp("", "byline-mysql-")
	if err != nil {
		return err
	}
	server.dir, server.socket = dir, filepath.Join(dir, "socket")
	options := []string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data")}
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 { // it refuses to run as root
		account, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return err
		}
	}
	install := exec.Command("mariadb-install-db", append(options, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	install.SysProcAttr, install.Dir = attributes, dir
	if output, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, output)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	server.process = exec.Command(program, append(options, "--socket="+server.socket, "--skip-networking", "--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0")...)
	server.process.SysProcAttr, server.process.Dir, server.process.Stdout, server.process.Stderr = attributes, dir, log, log
	if err := server.process.Start(); err != nil {
		return err
	}
	return wait()
}

func wait() (err error) {
	for range 300 {
		if err = execute(context.Background(), "root@unix("+server.socket+")/", "SELECT 1"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(server.dir, "log"))
	return errors.Join(err, errors.New(strings.TrimSpace(string(log))))
}

// Stop stops the server, if a test has started it.
func Stop() {
	if server.process != nil {
		_ = server.process.Process.Signal(syscall.SIGTERM)
		_ = server.process.Wait()
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
}
