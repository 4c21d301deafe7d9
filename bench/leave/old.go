package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/byline-api/byline/bench/internal/machine"
)

//go:embed seed.sql
var seedSQL string

const (
	oldSecret = "the secret of the old system, which no other one has"
	// hashCost is that of the old system.
	hashCost = 10
)

// oldSystem is the Express app, and the PostgreSQL of its own.
type oldSystem struct {
	process  *machine.Process
	postgres *service // serves no request; it only runs PostgreSQL
	addr     string
	database string // URL
}

// startOld installs the app, fills its database, and starts it.
func startOld(ctx context.Context, o *options, work string) (*oldSystem, error) {
	app := filepath.Join(o.repo, "bench/leave/app")
	if err := install(ctx, app); err != nil {
		return nil, err
	}
	postgres, err := serve(ctx, o.byline, work, "old-postgres")
	if err != nil {
		return nil, err
	}
	s := &oldSystem{postgres: postgres}
	if s.database, err = fill(ctx, postgres.database, app, o); err == nil {
		err = s.start(ctx, app, work)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// install installs the packages of the app and generates its client, unless
// that was done with the same list of packages: it takes a minute.
func install(ctx context.Context, app string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: install Node.js 20.19 or newer for the old system", err)
		}
	}
	if installed(app) {
		return nil
	}
	if _, err := machine.Output(ctx, app, os.Environ(), "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"); err != nil {
		return fmt.Errorf("the app could not be installed: %w", err)
	}
	// Prisma would download its schema engine, although the client needs none
	// and only the package registry may be reachable. It does not run the
	// program that is named here.
	env := append(os.Environ(), "PRISMA_SCHEMA_ENGINE_BINARY=/bin/true", "CHECKPOINT_DISABLE=1")
	_, err := machine.Output(ctx, app, env, "npx", "--no-install", "prisma", "generate")
	return err
}

// installed reports whether the generated client, which is made last, is newer
// than what it depends on.
func installed(app string) bool {
	client, err := os.Stat(filepath.Join(app, "generated/index.js"))
	if err != nil {
		return false
	}
	for _, file := range []string{"package-lock.json", "prisma/schema.prisma", "node_modules/.package-lock.json"} {
		if info, err := os.Stat(filepath.Join(app, file)); err != nil || info.ModTime().After(client.ModTime()) {
			return false
		}
	}
	return true
}

func (s *oldSystem) start(ctx context.Context, app, work string) (err error) {
	if s.addr, err = machine.FreeAddr(); err != nil {
		return err
	}
	_, port, _ := strings.Cut(s.addr, ":")
	env := machine.Environment("NODE_ENV=production", "PORT="+port, "DATABASE_URL="+s.database, "JWT_SECRET="+oldSecret)
	if s.process, err = machine.Start(filepath.Join(work, "old.log"), app, env, "node", "src/server.js"); err != nil {
		return err
	}
	return s.process.Ready(ctx, startTimeout, answers("http://"+s.addr+"/api/tags"))
}

// stop stops the app, and then its database.
func (s *oldSystem) stop() error {
	var err error
	if s.process != nil {
		err = s.process.Stop(stopTimeout)
		s.process = nil
	}
	if s.postgres != nil {
		err = errors.Join(err, s.postgres.process.Stop(stopTimeout))
		s.postgres = nil
	}
	return err
}

// fill creates the database of the app with its tables and rows, and returns
// its URL.
func fill(ctx context.Context, server, app string, o *options) (string, error) {
	if err := execute(ctx, server, "CREATE DATABASE conduit"); err != nil {
		return "", err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/conduit"
	tables, err := os.ReadFile(filepath.Join(app, "prisma/migration.sql"))
	if err != nil {
		return "", err
	}
	sizes := strings.NewReplacer(":users", strconv.Itoa(o.users), ":articles", strconv.Itoa(o.articles))
	if err := execute(ctx, u.String(), string(tables), sizes.Replace(seedSQL)); err != nil {
		return "", err
	}
	return u.String(), setPasswords(ctx, u.String(), o.writers+o.readers)
}

// setPasswords gives the accounts of the load hashes as the app makes them.
func setPasswords(ctx context.Context, database string, accounts int) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	batch := &pgx.Batch{}
	for i := range accounts {
		hash, err := bcrypt.GenerateFromPassword([]byte(passwordOf(userName(i))), hashCost)
		if err != nil {
			return err
		}
		batch.Queue(`UPDATE "User" SET password = $1 WHERE username = $2`, string(hash), userName(i))
	}
	return conn.SendBatch(ctx, batch).Close()
}

func execute(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range statements {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

func userName(i int) string         { return fmt.Sprintf("user%d", i+1) }
func emailOf(name string) string    { return name + "@example.com" }
func passwordOf(name string) string { return "password of " + name }

func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(span):
		return nil
	}
}
