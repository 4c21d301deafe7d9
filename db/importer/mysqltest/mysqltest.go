// Package mysqltest runs a MariaDB for tests. It needs the program mariadbd, which
// the Debian package mariadb-server has, and leaves a server of the system alone.
package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of database/sql
)

// server is the one that all tests of a package share.
var server struct {
	sync.Mutex
	started     bool
	failed      error // of the start, which is not tried again
	dir, socket string
	process     *exec.Cmd
	input       io.Closer // it stops the server
	databases   int
}

// Database returns the address of a new database with the tables and rows of a
// script, as Prisma writes it. It skips the test if MariaDB is not installed,
// unless BYLINE_TEST_MYSQL is required.
func Database(t testing.TB, script string) (url string) {
	t.Helper()
	program, err := find()
	if err != nil {
		if os.Getenv("BYLINE_TEST_MYSQL") == "required" {
			t.Fatal("mysqltest: mariadbd is not installed; it is in the package mariadb-server")
		}
		t.Skip("mysqltest: mariadbd is not installed; it is in the package mariadb-server")
	}
	name, err := create(program)
	if err != nil {
		t.Fatal("mysqltest: ", err)
	}
	url = "mysql://root@localhost/" + name + "?socket=" + server.socket
	Execute(t, url, script)
	return url
}

// Execute executes the statements of a script in a database.
func Execute(t testing.TB, url, script string) {
	t.Helper()
	name, socket, _ := strings.Cut(strings.TrimPrefix(url, "mysql://root@localhost/"), "?socket=")
	// Fixtures have dates that the strict mode refuses, as old servers had.
	if err := execute(t.Context(), "root@unix("+socket+")/"+name+"?multiStatements=true&sql_mode=%27%27", script); err != nil {
		t.Fatal("mysqltest: ", err)
	}
}

// find returns the path of mariadbd. Debian keeps it where only root's PATH leads.
func find() (string, error) {
	path, err := exec.LookPath("mariadbd")
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, "mariadbd"))
	}
	return path, err
}

// create makes an empty database, and starts the server before the first one.
func create(program string) (name string, err error) {
	server.Lock()
	defer server.Unlock()
	if !server.started {
		server.started = true
		server.failed = start(program)
	}
	if server.failed != nil {
		return "", server.failed
	}
	server.databases++
	name = fmt.Sprintf("test%d", server.databases)
	return name, execute(context.Background(), "root@unix("+server.socket+")/", "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
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

// keeper makes the tables of a server and runs it in a folder, until its input
// ends, which happens even if the test is killed. Then it stops all that it has
// started, which is its process group, and removes the folder.
const keeper = `dir=$1; shift
(mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db && "$@"; touch "$dir/ended") </dev/null &
read -r _
trap '' TERM
kill -TERM 0
wait
for try in 1 2 3 4 5 6 7 8 9; do rm -rf "$dir" && break; sleep 1; done # a program that ends may still write`

// start starts a server in a folder of its own, with a socket and no port.
func start(program string) (err error) {
	if server.dir, err = os.MkdirTemp("", "byline-mysql-"); err != nil {
		return err
	}
	dir := server.dir
	server.socket = filepath.Join(dir, "socket")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	server.process = exec.Command("sh", "-c", keeper, "keeper", dir, program, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--socket="+server.socket,
		"--skip-networking", "--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M")
	server.process.Dir, server.process.Stdout, server.process.Stderr = dir, log, log
	if server.process.SysProcAttr, err = unprivileged(dir); err != nil {
		return err
	}
	if server.input, err = server.process.StdinPipe(); err != nil {
		return err
	}
	if err := server.process.Start(); err != nil {
		return err
	}
	return wait()
}

// wait returns when the server answers, or with its log when it has ended.
func wait() (err error) {
	for range 600 {
		if err = execute(context.Background(), "root@unix("+server.socket+")/", "SELECT 1"); err == nil {
			return nil
		}
		if _, ended := os.Stat(filepath.Join(server.dir, "ended")); ended == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(server.dir, "log"))
	return errors.Join(err, errors.New(strings.TrimSpace(string(log))))
}

// Stop stops the server, if a test has started it. Call it from TestMain.
func Stop() {
	server.Lock()
	defer server.Unlock()
	if server.input != nil {
		_ = server.input.Close()
		if server.process.Process != nil {
			_ = server.process.Wait()
		}
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
}
