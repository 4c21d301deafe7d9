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

// healthcheckTimeout bounds the whole check: containers end one that takes
// longer.
const healthcheckTimeout = 3 * time.Second

// healthcheckCommand asks the service on this machine whether it is ready, for
// container images that have no other program to ask with.
func (p program) healthcheckCommand() *cobra.Command {
	return &cobra.Command{Use: "healthcheck", Short: "Ask the running service whether it is ready; exits with 1 if not", Args: cobra.NoArgs,
		RunE: p.with(func(ctx context.Context, cfg *config, _ *slog.Logger) error {
			ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.scheme()+"://"+reachable(cfg.Addr)+"/readyz", nil)
			if err != nil {
				return err
			}
			// The certificate is for the service's name, not for this machine's,
			// and nothing secret is sent.
			client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			res, err := client.Do(req)
			if err != nil {
				return err
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

// reachable turns an address to listen on into one to call: every address of
// the machine means this machine.
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
