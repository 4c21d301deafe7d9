package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckTimeout is the timeout of the whole check. It is shorter than the
// timeout that container runtimes apply.
const healthcheckTimeout = 3 * time.Second

// healthcheckCommand requests /readyz from the service on this machine. The
// container image contains no other HTTP client, such as curl.
func (p *program) healthcheckCommand() *cobra.Command {
	return &cobra.Command{Use: "healthcheck", Short: "Check whether the running service is ready; exit with status 1 if not", Args: noArguments,
		RunE: p.with(func(ctx context.Context, cfg *config, _ *slog.Logger) error {
			ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.scheme()+"://"+reachable(cfg.Addr)+"/readyz", nil)
			if err != nil {
				return err
			}
			// The certificate is issued for the public name of the service, not
			// for this address. The request contains no secrets.
			client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			res, err := client.Do(req)
			if err != nil {
				return fmt.Errorf("the service does not respond: %w\nstart it, or give this command the BYLINE_ADDR of the service", err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				body, _ := io.ReadAll(io.LimitReader(res.Body, 1024))
				return fmt.Errorf("not ready: %s %s", res.Status, body)
			}
			_, err = fmt.Fprintln(p.stdout, "ready")
			return err
		})}
}

// reachable converts a listen address to an address that a client can connect
// to: it replaces an unspecified host with the loopback address.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
