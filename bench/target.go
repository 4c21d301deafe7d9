package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/pgbench"
)

const (
	startTimeout = 2 * time.Minute  // includes the recovery of a large copied cluster
	stopTimeout  = 45 * time.Second // Byline drains, then stops PostgreSQL
)

// target is a server under test.
type target struct {
	site    conduit.Site
	pid     int              // 0 if unknown
	metrics string           // URL, or "" if there are none
	cluster *pgbench.Cluster // nil if pgbench cannot be run
	pgPID   int              // 0 if unknown
	stop    func() error
}

// start runs the program with free ports, and with default settings and its
// embedded PostgreSQL unless env says otherwise.
func start(ctx context.Context, program, work, data string, env ...string) (*target, error) {
	addr, err := machine.FreeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := machine.FreeAddr()
	if err != nil {
		return nil, err
	}
	p, err := machine.Start(filepath.Join(work, "byline.log"), work,
		machine.Environment(append(env, "BYLINE_ADDR="+addr, "BYLINE_ADMIN_ADDR="+admin, "BYLINE_DATA_DIR="+data)...), program, "serve")
	if err != nil {
		return nil, err
	}
	stop := func() error { return p.Stop(stopTimeout) }
	err = p.Ready(ctx, startTimeout, func() error {
		client := http.Client{Timeout: 2 * time.Second}
		for _, url := range []string{"http://" + addr + "/readyz", "http://" + admin + "/metrics"} {
			res, err := client.Get(url)
			if err != nil {
				return err
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("GET %s: %s", url, res.Status)
			}
		}
		return nil
	})
	if err != nil {
		_ = stop()
		return nil, err
	}
	cluster, err := pgbench.Find(data)
	if err != nil {
		_ = stop()
		return nil, err
	}
	return &target{
		site: conduit.Site{Addr: addr, Host: addr, Base: "/api"}, pid: p.PID(), metrics: "http://" + admin + "/metrics",
		cluster: &cluster, pgPID: cluster.PID, stop: stop,
	}, nil
}

// startCopy runs the program on a fresh copy of a data set. stop deletes the
// copy.
func startCopy(ctx context.Context, program string, d *dataset, env ...string) (*target, error) {
	work, err := workDir()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(work, "data")
	var t *target
	if err = copyDir(ctx, d.dir, data); err == nil {
		// Otherwise the kernel would write the copy back during the
		// measurement: with 6.5 GB even responses without a database query took
		// twice as long.
		_, err = machine.Output(ctx, "", os.Environ(), "sync")
	}
	if err == nil {
		t, err = start(ctx, program, work, data, env...)
	}
	if err != nil {
		_ = os.RemoveAll(work)
		return nil, err
	}
	stop := t.stop
	t.stop = func() error {
		defer os.RemoveAll(work)
		return stop()
	}
	return t, nil
}

// versions returns the versions of the server and of PostgreSQL.
func (t *target) versions(ctx context.Context, program string) (server, postgres string) {
	if out, err := machine.Output(ctx, "", machine.Environment(), program, "version"); err == nil {
		server = strings.TrimSpace(out)
	}
	if out, err := machine.Output(ctx, "", machine.Environment(), filepath.Join(t.cluster.BinDir, "postgres"), "--version"); err == nil {
		postgres = strings.TrimPrefix(strings.TrimSpace(out), "postgres (PostgreSQL) ")
	}
	return server, postgres
}

// startConstant runs the constant server.
func startConstant(ctx context.Context, program string, size int) (addr string, stop func(), err error) {
	if addr, err = machine.FreeAddr(); err != nil {
		return "", nil, err
	}
	work, err := workDir()
	if err != nil {
		return "", nil, err
	}
	p, err := machine.Start(filepath.Join(work, "log"), work, machine.Environment(), program, "--addr="+addr, fmt.Sprintf("--size=%d", size))
	if err != nil {
		_ = os.RemoveAll(work)
		return "", nil, err
	}
	stop = func() {
		_ = p.Stop(5 * time.Second)
		_ = os.RemoveAll(work)
	}
	err = p.Ready(ctx, 10*time.Second, func() error {
		res, err := http.Get("http://" + addr + "/")
		if err == nil {
			err = res.Body.Close()
		}
		return err
	})
	if err != nil {
		stop()
	}
	return addr, stop, err
}
