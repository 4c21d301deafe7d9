package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/embedded"
)

// existence says what a command does if there is no database yet.
type existence bool

const (
	mustExist existence = false // the command ends with exitNoDatabase
	mayCreate existence = true
)

// withDatabase runs a command on the configured database, and prints which one
// that is. If it is the embedded PostgreSQL, withDatabase uses the one of a
// running service, or starts one for the command.
func (p *program) withDatabase(ctx context.Context, cfg *config, log *slog.Logger, create existence, command func(url string) error) (err error) {
	d, err := startDatabase(ctx, cfg, log, create)
	if errors.Is(err, embedded.ErrInUse) {
		d, err = runningDatabase(ctx, cfg, log)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop(writeTimeout)) }()
	_, _ = fmt.Fprintln(p.stderr, "byline: using", d.place) // the command also works without standard error
	return databaseError(command(d.url))
}

// target is the database that a command acts on.
type target struct {
	url   string
	place string // for people, without the password
	stop  func(within time.Duration) error
}

// startDatabase returns the configured database, which it starts if it is the
// embedded one.
func startDatabase(ctx context.Context, cfg *config, log *slog.Logger, create existence) (target, error) {
	if !cfg.embedded() {
		place, err := db.Place(cfg.DatabaseURL)
		return target{cfg.DatabaseURL, place, leaveRunning}, err
	}
	settings := embeddedConfig(cfg, log)
	settings.Existing = create == mustExist
	postgres, err := embedded.Start(ctx, settings)
	switch {
	case errors.Is(err, embedded.ErrNoCluster):
		return target{}, fail(exitNoDatabase, fmt.Errorf("%w\n"+
			"set DATABASE_URL to a PostgreSQL, or BYLINE_DATA_DIR to the data folder of the service; only byline serve, migrate up, seed, import and restore create a database", err))
	case errors.Is(err, embedded.ErrInUse):
		return target{}, err
	case err != nil:
		return target{}, fail(exitUnreachable, err)
	}
	return target{postgres.LocalURL(), "the embedded PostgreSQL in " + postgres.DataDir(), func(within time.Duration) error {
		stopCtx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		return postgres.Stop(stopCtx)
	}}, nil
}

// leaveRunning is the stop of a database that others have started.
func leaveRunning(time.Duration) error { return nil }

// writeTimeout is how long PostgreSQL may take to write to the disk what a
// command has changed, which can be the whole database.
const writeTimeout = 5 * time.Minute

// runningDatabase returns the embedded PostgreSQL of a service that is running
// or starting.
func runningDatabase(ctx context.Context, cfg *config, log *slog.Logger) (target, error) {
	for deadline := time.Now().Add(reachTimeout); ; {
		running, err := embedded.Running(embeddedConfig(cfg, log))
		if err == nil {
			place := fmt.Sprintf("the embedded PostgreSQL in %s, which the byline with pid %s runs", running.DataDir, running.Owner)
			return target{running.URL, place, leaveRunning}, nil
		}
		if time.Now().After(deadline) {
			return target{}, fail(exitUnreachable, err)
		}
		select {
		case <-ctx.Done():
			return target{}, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func embeddedConfig(cfg *config, log *slog.Logger) embedded.Config {
	return embedded.Config{
		DataDir: cfg.DataDir,
		BinDir:  cfg.PGBin,
		Strict:  !cfg.isDefault("BYLINE_DATA_DIR"),
		// A violated constraint becomes a response to the client. It need not
		// be logged.
		Settings: map[string]string{"log_min_messages": "log"},
		Logger:   log,
	}
}

// reachTimeout is how long a command waits for a database that may have been
// started at the same time, and for the locks of a migration.
const reachTimeout = time.Minute

// sayAgain is the time between two log lines with the same error.
const sayAgain = 10 * time.Second

// onceReachable calls do, again each second for as long as the database cannot
// be reached and that may change.
func onceReachable(ctx context.Context, log *slog.Logger, do func() error) error {
	var said string
	var saidAt time.Time
	for deadline := time.Now().Add(reachTimeout); ; {
		err := do()
		if err == nil || !db.IsUnavailable(err) || db.Remedy(err) != "" || time.Now().After(deadline) {
			return databaseError(err)
		}
		message := "cannot reach the database; retrying"
		if db.IsLockTimeout(err) {
			message = "a migration could not lock its table; retrying"
		}
		if text := err.Error(); text != said || time.Since(saidAt) >= sayAgain {
			log.Warn(message, "error", text)
			said, saidAt = text, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// databaseError adds to an error of the database what the operator has to
// change, and the exit code.
func databaseError(err error) error {
	var decided exitError
	switch {
	case errors.Is(err, db.ErrSharedSession):
		return fail(exitConfiguration, err)
	case errors.As(err, &decided), !db.IsUnavailable(err):
		return err
	}
	remedy := db.Remedy(err)
	if remedy == "" && db.NoServer(err) {
		remedy = "start PostgreSQL, or correct the host and the port of its URL"
	}
	if remedy != "" {
		err = fmt.Errorf("%w\n%s", err, remedy)
	}
	return fail(exitUnreachable, err)
}

// inspectDatabase logs what the configuration of the database makes worse.
func inspectDatabase(ctx context.Context, database *db.DB, log *slog.Logger) error {
	folds, err := database.FoldsCase(ctx)
	if err != nil {
		return fmt.Errorf("inspecting the database: %w", err)
	}
	if !folds {
		log.Warn("the locale of the database knows only the letters of ASCII: usernames that the service does not register itself and that differ in " +
			"the case of other letters, such as Zoë and ZOË, can both be stored. Create the database with LC_CTYPE C.UTF-8 or a locale of a language")
	}
	lost, err := database.LostSettings(ctx)
	if err != nil {
		return fmt.Errorf("inspecting the settings of connections: %w", err)
	}
	if len(lost) > 0 {
		log.Warn("connections do not have the settings that the service asks for, so that queries can be slow or have no time limit: "+
			"set them for the role, as docs/deploying.md says for PgBouncer", "settings", strings.Join(lost, " "))
	}
	return nil
}
