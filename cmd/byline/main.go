// Command byline is a headless publishing API. One binary contains the service,
// its documentation and the commands to operate it.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/byline-api/byline/server/logwriter"
)

// The linker sets these variables; see the Makefile.
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	runAsInit()
	if err := run(untilSignal(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		printed := make(chan struct{})
		go func() {
			fmt.Fprintln(os.Stderr, "byline:", err)
			close(printed)
		}()
		select {
		case <-printed:
		case <-time.After(logTimeout): // nobody reads
		}
		os.Exit(int(codeOf(err)))
	}
}

// untilSignal returns a context that the first SIGINT, SIGTERM or SIGHUP ends,
// which starts a graceful shutdown. It also restores the default handling of
// SIGINT and SIGTERM, so that a second one ends the process at once. A second
// SIGHUP does nothing: a terminal that closes sends one, and its shell another.
// There is nothing that a SIGHUP could load again: the certificate is read when
// its files change, and the settings cannot change.
func untilSignal() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		go func() {
			<-hangup
			stop()
		}()
	}
	context.AfterFunc(ctx, stop)
	return ctx
}

// program holds the dependencies that all commands share.
type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	lines          *logwriter.Writer // writes the log; with sets it
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	root := (&program{getenv: getenv, stdout: stdout, stderr: stderr}).rootCommand()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// rootCommand returns the command byline with all subcommands.
func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "byline",
		Short: "A headless publishing API",
		Long: "Byline is a headless publishing API: users, profiles, articles, comments, tags,\n" +
			"favorites, follows and feeds. Without a command, byline serves the API. It runs\n" +
			"an embedded PostgreSQL unless DATABASE_URL is set.",
		Example:       "  byline                  serve on http://127.0.0.1:8080\n  byline seed             fill the database with sample data\n  byline config           show the effective configuration\n  byline serve --help     list all settings",
		Version:       fmt.Sprintf("byline %s (%s, %s %s/%s)", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          p.with(p.serve),
	}
	registerFlags(root.PersistentFlags())
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Serve the API (the default)", Args: noArguments, RunE: p.with(p.serve)},
		p.migrateCommand(),
		p.seedCommand(),
		p.importCommand(),
		p.exportCommand(),
		p.backupCommand(),
		p.restoreCommand(),
		p.upgradePostgresCommand(),
		p.keysCommand(),
		p.adminCommand(),
		p.healthcheckCommand(),
		p.strangleCommand(),
		&cobra.Command{Use: "config", Short: "Print the effective configuration with secrets hidden", Args: noArguments,
			RunE: p.with(func(_ context.Context, cfg *config, _ *slog.Logger) error { return cfg.print(p.stdout) })},
		&cobra.Command{Use: "version", Short: "Print the version", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := fmt.Fprintln(p.stdout, c.Root().Version)
				return err
			}},
	)
	finish(root, columnsOf(p.stdout))
	return root
}

// with returns a command function that reads the configuration and then calls
// command.
func (p *program) with(command func(context.Context, *config, *slog.Logger) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(cmd.Flags(), p.getenv)
		if err != nil {
			return err
		}
		log := p.logger(cfg)
		defer func() { _ = p.lines.Close(logTimeout) }() // an error of the log can be reported nowhere
		for _, warning := range unknownSettings(os.Environ()) {
			log.Warn(warning)
		}
		return command(cmd.Context(), cfg, log)
	}
}

// logger returns a logger that writes text on a terminal and JSON elsewhere, and
// sets p.lines, which the caller must close.
func (p *program) logger(cfg *config) *slog.Logger {
	logLevel.Set(cfg.LogLevel)
	options := &slog.HandlerOptions{Level: &logLevel}
	handler := func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }
	if cfg.logFormat(p.onTerminal()) == "text" {
		options.ReplaceAttr = timeOfDay
		handler = func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	}
	p.lines = logwriter.New(p.stderr, func(w io.Writer, lines int64) error {
		record := slog.NewRecord(time.Now(), slog.LevelWarn, fmt.Sprintf("%d log lines were dropped", lines), 0)
		return handler(w).Handle(context.Background(), record)
	})
	return slog.New(logwriter.WriteErrorsNow(handler(p.lines), p.lines))
}

// onTerminal reports whether standard error is a terminal.
func (p *program) onTerminal() bool {
	file, isFile := p.stderr.(*os.File)
	return isFile && isatty.IsTerminal(file.Fd())
}

// timeOfDay removes the date from log lines, which a person who watches the
// terminal does not need.
func timeOfDay(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
	}
	return a
}

// logLevel is the current log level. It can be changed at run time.
var logLevel slog.LevelVar

// stopTimeout is the timeout of each shutdown step after the requests have been
// drained.
const stopTimeout = 15 * time.Second

// logTimeout is how long the end of the process waits for the reader of
// standard error.
const logTimeout = 2 * time.Second
