package sqlsource

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connection is a database that can be opened.
type connection struct {
	connector driver.Connector
	dialect   dialect
	place     string // for people, without the password
}

// errURL is the error of an address that is not understood. It does not repeat
// the address, which has a password.
var errURL = errors.New("the address of the old database must be like postgres://user:password@host:5432/database or mysql://user:password@host:3306/database; characters such as # / ? @ in the password are percent-encoded")

// parseURL understands the addresses that Prisma and Sequelize use, and those of
// the Go drivers.
func parseURL(address string) (connection, error) {
	scheme, _, found := strings.Cut(address, "://")
	switch {
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return parsePostgres(address)
	case found && (scheme == "mysql" || scheme == "mysql2" || scheme == "mariadb"):
		return parseMySQL(address)
	case !found && strings.Contains(address, "@"):
		cfg, err := mysql.ParseDSN(address)
		if err != nil {
			return connection{}, errURL
		}
		return connectMySQL(cfg)
	}
	return connection{}, errURL
}

// postgresParameters are those of an address that PostgreSQL and its driver
// know. Prisma adds others, such as connection_limit.
var postgresParameters = []string{
	"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslsni", "sslnegotiation", "channel_binding", "connect_timeout",
	"target_session_attrs", "passfile", "options", "host", "port", "user", "password", "dbname", "search_path",
}

func parsePostgres(address string) (connection, error) {
	u, err := url.Parse(address)
	if err != nil {
		return connection{}, errURL
	}
	if u.RawQuery, err = postgresQuery(u.Query()); err != nil {
		return connection{}, err
	}
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return connection{}, postgresError(err)
	}
	for name, value := range map[string]string{
		"default_transaction_read_only": "on", "statement_timeout": "0", "lock_timeout": "0", "TimeZone": "UTC", "DateStyle": "ISO", "application_name": "byline import",
	} {
		cfg.RuntimeParams[name] = value
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 15 * time.Second
	}
	// A pooler between need not keep prepared statements.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	return connection{stdlib.GetConnector(*cfg), postgres{}, fmt.Sprintf("PostgreSQL, database %s at %s", cfg.Database, cfg.Host)}, nil
}

// postgresError returns why the driver refuses an address. The driver's own error
// has the address too, whose parts need not be where it expects them.
func postgresError(err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		return fmt.Errorf("the address of the old database names a file that cannot be read: %w", path)
	}
	return errURL
}

// postgresQuery translates what Prisma and the drivers of Node.js call otherwise,
// and leaves out what PostgreSQL would refuse a session with.
func postgresQuery(values url.Values) (string, error) {
	if values.Has("sslidentity") {
		return "", errIdentity
	}
	switch values.Get("ssl") {
	case "true", "1":
		values.Set("sslmode", cmp.Or(values.Get("sslmode"), "require"))
	case "false", "0":
		values.Set("sslmode", cmp.Or(values.Get("sslmode"), "disable"))
	}
	if values.Get("sslmode") == "no-verify" {
		values.Set("sslmode", "require")
	}
	if values.Has("sslcert") && !values.Has("sslkey") { // Prisma: the authority of the server
		values.Set("sslrootcert", cmp.Or(values.Get("sslrootcert"), values.Get("sslcert")))
		values.Del("sslcert")
	}
	if name := values.Get("schema"); name != "" {
		values.Set("search_path", postgres{}.quote(name))
	}
	for name := range values {
		if !slices.Contains(postgresParameters, name) {
			values.Del(name)
		}
	}
	return values.Encode(), nil
}

var errIdentity = errors.New("the parameter sslidentity of the address is not supported: use an account of the database that needs a password and no certificate")

func parseMySQL(address string) (connection, error) {
	u, err := url.Parse(address)
	if err != nil {
		return connection{}, errURL
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		cfg.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if u.User != nil {
		cfg.User = u.User.Username()
		cfg.Passwd, _ = u.User.Password()
	}
	values := u.Query()
	if socket := cmp.Or(values.Get("socket"), values.Get("socketPath")); socket != "" {
		cfg.Net, cfg.Addr = "unix", socket
	} else if u.Hostname() == "" {
		return connection{}, errURL
	}
	if err := mysqlTLS(cfg, values, u.Hostname()); err != nil {
		return connection{}, err
	}
	return connectMySQL(cfg)
}

// mysqlTLS sets how the connection is encrypted. Prisma, Sequelize and the
// providers of databases have names of their own for this. Without any of them the
// connection is encrypted if the server can, as in Prisma.
func mysqlTLS(cfg *mysql.Config, values url.Values, host string) error {
	if values.Has("sslidentity") {
		return errIdentity
	}
	verified := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if file := cmp.Or(values.Get("sslcert"), values.Get("sslca"), values.Get("ssl-ca")); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("the address of the old database names a file that cannot be read: %w", err)
		}
		if verified.RootCAs = x509.NewCertPool(); !verified.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("the file %s has no certificate in the form PEM", file)
		}
	}
	mode := cmp.Or(values.Get("sslmode"), values.Get("ssl-mode"), values.Get("ssl_mode"), values.Get("sslaccept"), values.Get("ssl"), values.Get("tls"))
	switch strings.ToLower(strings.ReplaceAll(mode, "-", "_")) {
	case "disable", "disabled", "false", "0":
		cfg.TLSConfig = ""
	case "strict", "true", "1", "verify_ca", "verify_full", "verify_identity", `{"rejectunauthorized":true}`:
		cfg.TLS = verified
	case "require", "required", "skip_verify", "no_verify", `{"rejectunauthorized":false}`:
		cfg.TLSConfig = "skip-verify"
	case "", "accept_invalid_certs", "prefer", "preferred":
		cfg.TLSConfig = "preferred"
		if verified.RootCAs != nil && mode == "" {
			cfg.TLS = verified
		}
	default:
		return errors.New("the address says in a way that is not understood how the connection is encrypted: use sslmode=disable, preferred, required or verify-full")
	}
	return nil
}

func connectMySQL(cfg *mysql.Config) (connection, error) {
	cfg.ParseTime, cfg.Loc, cfg.AllowNativePasswords = true, time.UTC, true
	cfg.Timeout, cfg.InterpolateParams = 15*time.Second, true
	cfg.Logger = &mysql.NopLogger{} // what it would print is in the error too
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"], cfg.Params["sql_mode"] = "'+00:00'", "''"
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return connection{}, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return connection{}, errURL
	}
	return connection{readOnly{connector}, mysqlDialect{}, fmt.Sprintf("MySQL, database %s at %s", cfg.DBName, cfg.Addr)}, nil
}

// sessionMySQL are the settings of a session. The limits of time have different
// names: MySQL alone executes the first comment, and MariaDB the second one.
var sessionMySQL = []string{
	"SET SESSION TRANSACTION READ ONLY",
	"SET SESSION net_write_timeout = 3600 /*!50708 , max_execution_time = 0 */ /*M!100101 , max_statement_time = 0 */",
}

// readOnly makes every session read only, with time for large pages.
type readOnly struct{ driver.Connector }

func (r readOnly) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the MySQL driver cannot execute statements"), conn.Close())
	}
	for _, setting := range sessionMySQL {
		if _, err := execer.ExecContext(ctx, setting, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// open opens a database with one connection at a time.
func (c connection) open() *sql.DB {
	db := sql.OpenDB(c.connector)
	db.SetMaxOpenConns(1)
	return db
}
