package sqlsource

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/source"
)

// TestParseURL never repeats the password of an address.
func TestParseURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://u:secret@db.example.com/conduit?schema=public&pgbouncer=true":   "PostgreSQL, database conduit at db.example.com",
		"postgresql://u:secret@db.example.com:5433/conduit?sslmode=require":         "PostgreSQL, database conduit at db.example.com",
		"postgres://u:secret@db.example.com/conduit?sslmode=no-verify&sslaccept=x":  "PostgreSQL, database conduit at db.example.com",
		"postgres://u:secret@localhost/conduit?host=/cloudsql/x&connection_limit=1": "PostgreSQL, database conduit at /cloudsql/x",
		"mysql://u:secret@db.example.com/conduit?connection_limit=5":                "MySQL, database conduit at db.example.com:3306",
		"mysql2://u:s%40cret@db.example.com:3307/conduit?sslaccept=strict":          "MySQL, database conduit at db.example.com:3307",
		"mysql://u:secret@[::1]/conduit":                                            "MySQL, database conduit at [::1]:3306",
		"mariadb://u:secret@db.example.com/conduit?ssl-mode=REQUIRED":               "MySQL, database conduit at db.example.com:3306",
		"u:secret@tcp(db.example.com:3306)/conduit":                                 "MySQL, database conduit at db.example.com:3306",
		"mysql://root@localhost/conduit?socket=/run/mysqld/mysqld.sock":             "MySQL, database conduit at /run/mysqld/mysqld.sock",
	} {
		c, err := parseURL(address)
		require.NoError(t, err, address)
		require.Equal(t, want, c.place)
	}
	for _, address := range []string{
		"", "secret", "mongodb://u:secret@h/d", "postgres://u:secret@h:port/d", "mysql://u:secret@", "u:secret@x(", "postgres://u:sec ret@%zz/d",
		"postgres://u:secret@h/d?sslmode=secret", "mysql://u:secret@h/d?sslmode=secret", "mysql://u:secret@h/d?sslidentity=a.p12", "postgres://u:secret@h/d?sslidentity=a.p12",
		"mysql://u:secret@h/d?sslcert=/missing.pem", "postgres://u:secret@h/d?sslmode=require&sslcert=/missing.pem",
	} {
		_, err := parseURL(address)
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := parseURL("postgres://u:secret@h/d?sslmode=require&sslcert=/missing.pem")
	require.ErrorContains(t, err, "/missing.pem")
}

// TestErrorsOfTheServer have no password either.
func TestErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(database(t, "prisma", "postgres"))
	require.NoError(t, err)
	u.User = url.UserPassword("nobody_here", "secret")
	err = openError(t, "prisma", u.String(), "")
	require.ErrorContains(t, err, "nobody_here")
	require.NotContains(t, err.Error(), "secret")
	address := strings.Replace(database(t, "prisma", "mysql"), "root@", "nobody_here:secret@", 1)
	err = openError(t, "prisma", address, "")
	require.ErrorContains(t, err, "Access denied")
	require.NotContains(t, err.Error(), "secret")
}

// TestMySQLEncryption translates the parameters of Prisma, Sequelize and providers.
func TestMySQLEncryption(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"": "preferred", "sslaccept=accept_invalid_certs": "preferred", "ssl=false": "", "sslmode=disable": "", "ssl-mode=REQUIRED": "skip-verify",
		`ssl={"rejectUnauthorized":false}`: "skip-verify", "tls=skip-verify": "skip-verify",
	} {
		cfg, values := mysql.NewConfig(), mustQuery(t, query)
		require.NoError(t, mysqlTLS(cfg, values, "db.example.com"))
		require.Equal(t, want, cfg.TLSConfig, query)
		require.Nil(t, cfg.TLS, query)
	}
	for _, query := range []string{"sslaccept=strict", "ssl=true", "sslmode=verify-full", "ssl-mode=VERIFY_IDENTITY", `ssl={"rejectUnauthorized":true}`} {
		cfg := mysql.NewConfig()
		require.NoError(t, mysqlTLS(cfg, mustQuery(t, query), "db.example.com"))
		require.Equal(t, "db.example.com", cfg.TLS.ServerName, query)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, []byte("no certificate"), 0o600))
	require.ErrorContains(t, mysqlTLS(mysql.NewConfig(), url.Values{"sslcert": {file}}, "h"), "has no certificate in the form PEM")
}

func mustQuery(t *testing.T, query string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	return values
}

// TestPostgresParameters translates those of other drivers, and drops what is
// unknown: PostgreSQL refuses a session with it.
func TestPostgresParameters(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`schema=My%20"schema&connection_limit=5&pgbouncer=true`: "search_path=" + url.QueryEscape(`"My ""schema"`),
		"ssl=true&sslcert=ca.pem":                               "sslmode=require&sslrootcert=ca.pem",
		"ssl=false":                                             "sslmode=disable",
		"sslcert=c.pem&sslkey=k.pem&sslmode=verify-full":        "sslcert=c.pem&sslkey=k.pem&sslmode=verify-full",
	} {
		got, err := postgresQuery(mustQuery(t, query))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestSettings keeps the limits of the account from ending a large page.
func TestSettings(t *testing.T) {
	t.Parallel()
	address := database(t, "prisma", "postgres")
	execute(t, address, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 1', current_database()); END $$`)
	s := open(t, "prisma", address, "")
	require.Len(t, all(t, s.Users(t.Context(), source.Range{})), 2)
	var timeout, readOnly string
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT current_setting('statement_timeout'), current_setting('transaction_read_only')").Scan(&timeout, &readOnly))
	require.Equal(t, []string{"0", "on"}, []string{timeout, readOnly})

	address = database(t, "prisma", "mysql")
	execute(t, address, "CREATE USER limited@localhost IDENTIFIED BY 'x' WITH MAX_STATEMENT_TIME 0.5; GRANT SELECT ON *.* TO limited@localhost")
	s = open(t, "prisma", strings.Replace(address, "root@", "limited:x@", 1), "")
	var zone, mode, limit, charset string
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT @@time_zone, @@sql_mode, @@max_statement_time, @@character_set_results").Scan(&zone, &mode, &limit, &charset))
	require.Equal(t, []string{"+00:00", "", "0", "utf8mb4"}, []string{zone, mode, limit, charset})
}

func FuzzParseURL(f *testing.F) {
	f.Add("postgres://u:hunter2@", "h/d?schema=x&sslmode=require")
	f.Add("mysql://u:hunter2@", "h/d?ssl=true&socket=/s")
	f.Add("mysql2://u:hunter2@", "[::1]:3/d?sslaccept=strict")
	f.Add("u:hunter2@", "tcp(h)/d?tls=true")
	f.Fuzz(func(t *testing.T, begin, rest string) {
		if strings.Contains(rest, "hunter2") {
			t.Skip("the password is elsewhere too")
		}
		for _, text := range []string{begin + rest, "postgres://u:hunter2@" + rest, "mysql://u:hunter2@" + rest} {
			c, err := parseURL(text)
			if err != nil {
				require.NotContains(t, err.Error(), "hunter2")
			} else if strings.HasPrefix(text, "postgres://u:hunter2@") || strings.HasPrefix(text, "mysql://u:hunter2@") {
				require.NotContains(t, c.place, "hunter2")
			}
		}
	})
}

// TestSilentServer does not wait long for a server that says nothing.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	m, err := Parse("prisma", nil)
	require.NoError(t, err)
	_, err = Open(t.Context(), "mysql://user:secret@"+l.Addr().String()+"/db", "Prisma", m)
	require.ErrorContains(t, err, "does not answer within 10s: is another kind of database")
	require.NotContains(t, err.Error(), "secret")
}
