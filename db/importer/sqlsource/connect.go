package sqlsource

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
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
var errURL = errors.New("the address of the old database must be like postgres://user:password@host:5432/database or mysql://user:password@host:3306/database")

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
var postgresParameters = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "connect_timeout", "application_name", "options", "host", "port", "user", "dbname", "search_path"}

func parsePostgres(address string) (connection, error) {
	u, err := url.Parse(address)
	if err != nil {
		return connection{}, errURL
	}
	values := u.Query()
	if name := values.Get("schema"); name != "" {
		values.Set("search_path", postgres{}.quote(name))
	}
	for name := range values {
		if !slices.Contains(postgresParameters, name) {
			values.Del(name)
		}
	}
	u.RawQuery = values.Encode()
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return connection{}, errURL
	}
	for name, value := range map[string]string{
		"default_transaction_read_only": "on", "statement_timeout": "0", "idle_session_timeout": "", "TimeZone": "UTC", "DateStyle": "ISO", "application_name": "byline import",
	} {
		if value != "" {
			cfg.RuntimeParams[name] = value
		}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 15 * time.Second
	}
	// A pooler between need not keep prepared statements.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	return connection{stdlib.GetConnector(*cfg), postgres{}, fmt.Sprintf("PostgreSQL, database %s at %s", cfg.Database, cfg.Host)}, nil
}

func parseMySQL(address string) (connection, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
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
	if socket := values.Get("socket"); socket != "" {
		cfg.Net, cfg.Addr = "unix", socket
	}
	cfg.TLSConfig = "preferred"
	switch {
	case values.Get("sslaccept") == "accept_invalid_certs":
		cfg.TLSConfig = "skip-verify"
	case values.Get("sslaccept") == "strict", values.Get("ssl") == "true", values.Get("sslmode") == "verify-full":
		cfg.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	case values.Get("ssl") == "false", values.Get("sslmode") == "disable":
		cfg.TLSConfig = ""
	}
	return connectMySQL(cfg)
}

func connectMySQL(cfg *mysql.Config) (connection, error) {
	cfg.ParseTime, cfg.Loc, cfg.AllowNativePasswords = true, time.UTC, true
	cfg.Timeout, cfg.InterpolateParams = 15*time.Second, true
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

// readOnly makes every session read only. MySQL and MariaDB have different names
// for the setting, but the same statement.
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
	if _, err := execer.ExecContext(ctx, "SET SESSION TRANSACTION READ ONLY", nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// open opens a database with one connection at a time.
func (c connection) open() *sql.DB {
	db := sql.OpenDB(c.connector)
	db.SetMaxOpenConns(1)
	return db
}
