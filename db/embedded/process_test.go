//go:build unix

package embedded

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTemporary(t *testing.T) {
	t.Parallel()
	_, malformed := pgx.ParseConfig("postgres://h/d?connect_timeout=abc")
	require.Error(t, malformed)
	for err, want := range map[error]bool{
		&pgconn.PgError{Code: "57P03"}: true,
		&pgconn.PgError{Code: "53300"}: true,
		&pgconn.PgError{Code: "28P01"}: false,
		&pgconn.PgError{Code: "42704"}: false,
		context.DeadlineExceeded:       true,
		io.ErrUnexpectedEOF:            true,
		syscall.ECONNREFUSED:           true,
		malformed:                      false,
	} {
		assert.Equal(t, want, temporary(fmt.Errorf("ping: %w", err)), err)
	}
}

func TestWaitIsLogged(t *testing.T) {
	t.Parallel()
	cfg, log := config(t)
	start(t, cfg)
	assert.Contains(t, log.String(), `level=INFO msg="embedded: waiting for PostgreSQL to accept connections"`)
}
