package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// writes is a buffer that counts the calls of Write.
type writes struct {
	bytes.Buffer
	n int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.Buffer.Write(p)
}

// TestLogIsWhole checks that no buffered log line is lost when a command
// returns, as it does after SIGTERM.
func TestLogIsWhole(t *testing.T) {
	for format, want := range map[string]string{
		"json": `"level":"INFO","msg":"line","n":1999}`,
		"text": " level=INFO msg=line n=1999",
	} {
		out := &writes{}
		p := program{getenv: func(name string) string { return map[string]string{"BYLINE_LOG_FORMAT": format}[name] }, stderr: out}
		command := p.with(func(_ context.Context, _ *config, log *slog.Logger) error {
			for n := range 2000 {
				log.Info("line", "n", n)
			}
			return errors.New("stopped")
		})
		require.Error(t, command(&cobra.Command{}, nil))
		require.Equal(t, 2000, strings.Count(out.String(), "msg"))
		require.Contains(t, out.String(), want)
		require.Less(t, out.n, 200)
		if format == "text" {
			require.Regexp(t, `^time=\d\d:\d\d:\d\d\.\d{3} level=INFO msg=line n=0\n`, out.String())
		}
	}
}
