package db

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// errURL replaces the errors of pgx, which may quote the password.
var errURL = errors.New("db: the database URL is not valid")

// parseURL returns how to connect to the database at url. Connections go to
// servers that accept writes, unless target_session_attrs says otherwise.
func parseURL(url string) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errURL
	}
	cc := pc.ConnConfig
	if cc.ConnectTimeout == 0 || cc.ConnectTimeout > 5*time.Second {
		cc.ConnectTimeout = 5 * time.Second
	}
	cc.RuntimeParams["client_encoding"] = "UTF8" // overrides the settings of the database and the role
	const attrs = "target_session_attrs"
	if cc.ValidateConnect == nil && !strings.Contains(url, attrs) && os.Getenv("PGTARGETSESSIONATTRS") == "" {
		cc.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	cc.AfterConnect = checkEncoding
	// A connection of a proxy can stay open while the server behind it becomes
	// a standby. Closing it makes the next request look for another server.
	closes := cc.OnPgError
	cc.OnPgError = func(conn *pgconn.PgConn, pe *pgconn.PgError) bool {
		return closes(conn, pe) && !fromStandby(pe)
	}
	return pc, nil
}

// Place describes for people where the database at url is: its name, the
// addresses of its servers and the user. It contains no password.
func Place(url string) (string, error) {
	pc, err := parseURL(url)
	if err != nil {
		return "", err
	}
	cc := pc.ConnConfig
	_, address := pgconn.NetworkAddress(cc.Host, cc.Port)
	addresses := []string{address}
	for _, other := range cc.Fallbacks { // further servers, and further ways to use TLS
		if _, address := pgconn.NetworkAddress(other.Host, other.Port); !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	name := cmp.Or(cc.Database, cc.User) // as PostgreSQL does
	return fmt.Sprintf("the database %s on %s as the user %s", name, strings.Join(addresses, ", "), cc.User), nil
}

// encodingError is the encoding of a database that cannot store every text.
type encodingError string

func (e encodingError) Error() string {
	return "the encoding of the database is " + string(e) + ", not UTF8"
}

// checkEncoding refuses a database in which PostgreSQL cannot store every text,
// or, with SQL_ASCII, does not know what a letter is. The server sends its
// encoding with every connection. A proxy may not pass it on.
func checkEncoding(_ context.Context, conn *pgconn.PgConn) error {
	if encoding := conn.ParameterStatus("server_encoding"); encoding != "UTF8" && encoding != "" {
		return encodingError(encoding)
	}
	return nil
}

// FoldsCase reports whether lower() changes letters outside of ASCII. If not,
// names that differ in the case of such letters are different names, unless the
// service has folded them itself. The locale of the database decides it.
func (d *DB) FoldsCase(ctx context.Context) (folds bool, err error) {
	err = d.QueryRow(ctx, `SELECT lower('Ä') = 'ä'`).Scan(&folds)
	return folds, err
}

// LostSettings returns, in the form name=value, the settings that connections
// ask for and do not have. PgBouncer can be configured to ignore them.
func (d *DB) LostSettings(ctx context.Context) ([]string, error) {
	rows, err := d.Query(ctx, `SELECT name, setting FROM pg_settings WHERE name = ANY ($1)`, slices.Sorted(maps.Keys(d.wanted)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lost []string
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		if wanted := d.wanted[name]; value != wanted {
			lost = append(lost, name+"="+wanted)
		}
		return nil
	})
	slices.Sort(lost)
	return lost, err
}

// ErrReadOnly means that the server does not accept writes. It is a standby, or
// its provider has made it read-only.
var ErrReadOnly = errors.New("db: the server is read-only")

// Ping returns an error if the database does not respond, or if its
// server is read-only. In that case it also closes all idle connections.
func (d *DB) Ping(ctx context.Context) error {
	var readOnly bool
	if err := d.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::boolean").Scan(&readOnly); err != nil {
		return err
	}
	if readOnly {
		d.pool.Reset()
		return ErrReadOnly
	}
	return nil
}

// isDirect reports whether a connection leads to PostgreSQL itself, where the
// process with an id (pg_backend_pid) answers. PostgreSQL tells a client that id
// when it connects, and a pooler one of its own.
func isDirect(conn *pgconn.PgConn, process int64) bool { return process == int64(conn.PID()) }

// fromStandby reports whether a server sends an error because it is read-only.
func fromStandby(pe *pgconn.PgError) bool {
	switch pe.Code {
	case "25006", // read_only_sql_transaction
		"55000": // object_not_in_prerequisite_state: a lock during recovery
		return true
	case "0A000": // feature_not_supported, here reading an unlogged table during recovery
		return pe.Routine == "get_relation_info"
	}
	return false
}

// Remedy returns what an operator has to change if err means that no attempt to
// connect can succeed. It returns "" if a later attempt may.
func Remedy(err error) string {
	var ce *pgconn.ConnectError
	if !errors.As(err, &ce) {
		return ""
	}
	var encoding encodingError
	if errors.As(err, &encoding) {
		return "create the database with: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'; a dump can be restored into it"
	}
	attempts := []error{ce.Unwrap()} // one for each address, and for each way to use TLS
	if joined, ok := attempts[0].(interface{ Unwrap() []error }); ok {
		attempts = joined.Unwrap()
	}
	for _, attempt := range attempts {
		var pe *pgconn.PgError
		if errors.As(attempt, &pe) {
			if remedy := refusal(pe, ce.Config.Database); remedy != "" {
				return remedy
			}
		}
	}
	// Only the last attempt, since a connection without TLS follows one with
	// TLS if sslmode is prefer.
	last := attempts[len(attempts)-1]
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(last, &unverified):
		return "sslrootcert must be the certificate of the authority that has issued the server's certificate, and the host in DATABASE_URL a name in that certificate"
	case rootCause(last).Error() == "server refused TLS connection": // pgx has no type for it
		return "the server does not offer TLS: enable it there, or choose another sslmode in DATABASE_URL"
	}
	return ""
}

// NoServer reports whether err means that nothing responded at the address of
// a database, which may change.
func NoServer(err error) bool {
	var ce *pgconn.ConnectError
	if !errors.As(err, &ce) {
		return false
	}
	var lookup *net.DNSError
	var dial *net.OpError
	return errors.As(ce, &lookup) || errors.As(ce, &dial) && dial.Op == "dial" && dial.Net != "unix"
}

// refusal returns what to change if the server refuses every connection like
// this one.
func refusal(pe *pgconn.PgError, database string) string {
	switch pe.Code {
	case "28P01", "28000": // invalid_password, invalid_authorization_specification
		return "check the user and the password in DATABASE_URL, and the pg_hba.conf of the server"
	case "3D000": // invalid_catalog_name
		return fmt.Sprintf("create the database first, for example with: createdb %q", database)
	case "42501": // insufficient_privilege
		return "give the user the privilege CONNECT on the database"
	case "42704", "08P01": // undefined_object; PgBouncer: unsupported startup parameter
		return "remove the parameter from DATABASE_URL: PostgreSQL does not know those of Prisma and other libraries, such as schema, " +
			"connection_limit and pgbouncer. For PgBouncer, see docs/deploying.md"
	case "22023": // invalid_parameter_value
		return "correct the parameter in DATABASE_URL"
	}
	return ""
}

func rootCause(err error) error {
	for {
		cause := errors.Unwrap(err)
		if cause == nil {
			return err
		}
		err = cause
	}
}
