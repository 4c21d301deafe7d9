package sqlsource

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// patience is how long a page is tried again while the old database cannot be
// reached: it may be restarting.
const patience = 5 * time.Minute

// again calls read until the connection does not break.
func (s *Source) again(ctx context.Context, read func() error) error {
	pause := 200 * time.Millisecond
	var deadline time.Time // counted from the first failure: the page itself may take long
	for ; ; pause = min(2*pause, 10*time.Second) {
		err := read()
		if err == nil || !isLost(err) || ctx.Err() != nil {
			return err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(patience)
		} else if time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// isLost reports whether an error is that of a connection, or of a database that
// is starting or stopping.
func isLost(err error) bool {
	var network net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return true
	}
	if p := new(pgconn.PgError); errors.As(err, &p) {
		// Shutdown, connection, too many clients, and a conflict on a standby.
		return strings.HasPrefix(p.Code, "57P") || strings.HasPrefix(p.Code, "08") || p.Code == "53300" || p.Code == "40001"
	}
	if m := new(mysql.MySQLError); errors.As(err, &m) {
		return slices.Contains(lostMySQL, m.Number)
	}
	return false
}

// lostMySQL are the errors of MySQL and MariaDB for too many connections, a
// shutdown, the network (1158 to 1161), a killed session and one that was idle.
var lostMySQL = []uint16{1040, 1053, 1158, 1159, 1160, 1161, 1927, 4031}
