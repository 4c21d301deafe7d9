package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/strangle"
)

// strangleCommand runs the proxy with which a team moves from its old backend
// to this one.
func (p *program) strangleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "strangle",
		Short: "Run a proxy that moves operations from an old backend to this one",
		Long: "Run a proxy in front of an old backend of the same contract. Each operation is\n" +
			"answered by the old backend, by the new one, or by the new one for a share of the\n" +
			"users; or the new one is asked too, and its responses are compared. At first the\n" +
			"old backend answers everything. /docs/strangle explains the file.",
		Example: "  byline strangle --old http://127.0.0.1:3000 --new http://127.0.0.1:8080\n" +
			"  byline strangle --file strangle.yaml\n" +
			"  curl -X PATCH http://127.0.0.1:9091/mode -d '{\"GetTags\": \"10%\"}'\n" +
			"  curl -X POST http://127.0.0.1:9091/rollback",
		Args: noArguments,
	}
	var path string
	defaults := strangle.DefaultConfig()
	given := defaults
	f := c.Flags()
	f.StringVar(&path, "file", "", "configuration file, which is read again when it changes")
	f.StringVar(&given.Old, "old", "", "URL of the old backend, such as http://127.0.0.1:3000")
	f.StringVar(&given.New, "new", "", "URL of the new backend, such as http://127.0.0.1:8080")
	f.StringVar(&given.OldPrefix, "old-prefix", defaults.OldPrefix, "path of the API in the old backend, and for clients")
	f.StringVar(&given.NewPrefix, "new-prefix", defaults.NewPrefix, "path of the API in the new backend")
	f.StringVar(&given.Listen, "listen", defaults.Listen, "address for the clients")
	f.StringVar(&given.Admin, "admin", defaults.Admin, "address for operators: the page, the modes, metrics")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		override := func(cfg *strangle.Config) {
			for name, values := range map[string][2]*string{
				"old": {&cfg.Old, &given.Old}, "new": {&cfg.New, &given.New}, "old-prefix": {&cfg.OldPrefix, &given.OldPrefix},
				"new-prefix": {&cfg.NewPrefix, &given.NewPrefix}, "listen": {&cfg.Listen, &given.Listen}, "admin": {&cfg.Admin, &given.Admin},
			} {
				if f.Changed(name) {
					*values[0] = *values[1]
				}
			}
		}
		return p.with(func(ctx context.Context, _ *config, log *slog.Logger) error {
			cfg, file, err := strangle.Load(path, override)
			if err != nil {
				return fail(exitConfiguration, err)
			}
			return runStrangle(ctx, cfg, file, log)
		})(cmd, args)
	}
	return c
}

// strangleDrain is how long requests in flight may take when the proxy stops.
const strangleDrain = 30 * time.Second

// runStrangle runs the proxy until ctx ends.
func runStrangle(ctx context.Context, cfg strangle.Config, file *strangle.File, log *slog.Logger) error {
	doc, err := contract.Load()
	if err != nil {
		return err
	}
	proxy, err := strangle.New(cfg, file, doc, log)
	if err != nil {
		return fail(exitConfiguration, err)
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w\nset --listen to another address", cfg.Listen, err)
	}
	defer listener.Close()
	adminListener, err := net.Listen("tcp", cfg.Admin)
	if err != nil {
		return fmt.Errorf("cannot listen on the admin address %s: %w\nset --admin to another address", cfg.Admin, err)
	}
	defer adminListener.Close()
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stopWork()
	workers.Go(func() { proxy.Run(work) })
	workers.Go(func() {
		// A fault of the admin port must not stop the requests of clients.
		if err := serveAdmin(work, adminListener, proxy.Admin(), log); err != nil {
			log.Error("the admin port has stopped", "error", err)
		}
	})
	log.Info("passing on requests", "url", "http://"+listener.Addr().String(), "old", cfg.Old, "new", cfg.New, "admin", adminListener.Addr().String())
	return serveClients(ctx, listener, proxy, log)
}

// serveClients serves until ctx ends, and then finishes the requests in flight.
func serveClients(ctx context.Context, listener net.Listener, proxy http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: proxy, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), strangleDrain)
		defer cancel()
		stopped <- srv.Shutdown(drain)
	})
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-stopped; err != nil {
		log.Warn("requests were still in flight when the proxy stopped", "timeout", strangleDrain)
		_ = srv.Close()
	}
	return nil
}
