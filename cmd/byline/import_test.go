//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer"
)

// oldDatabase returns the address of a database of Express and Prisma, and of
// the database that it is a schema of.
func oldDatabase(t *testing.T, name, rows string) (url, whole string) {
	t.Helper()
	script, err := os.ReadFile("../../db/importer/sqlsource/testdata/prisma-postgres.sql")
	require.NoError(t, err)
	whole = sharedDatabase(t, name)
	all := "CREATE SCHEMA old; SET search_path = old; SET TIME ZONE UTC;" + string(script) + rows
	executeScript(t, whole, all)
	sign := "?"
	if strings.Contains(whole, "?") {
		sign = "&"
	}
	return whole + sign + "schema=old", whole
}

// executeScript executes statements on a connection of its own.
func executeScript(t *testing.T, databaseURL, script string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.PgConn().Exec(t.Context(), script).ReadAll()
	require.NoError(t, err)
}

// TestImport imports a database as an operator does: first a dry run, then the
// import itself, the comparison of both sides, and another run for the last
// minutes.
func TestImport(t *testing.T) {
	t.Parallel()
	old, whole := oldDatabase(t, "import_old", "")
	target := sharedDatabase(t, "import_new")
	folder := t.TempDir()
	byline := func(args ...string) (string, error) {
		t.Helper()
		return command(t, map[string]string{"DATABASE_URL": target, "BYLINE_LOG_LEVEL": "error", "OLD": old}, args...)
	}
	count := func(table string) int {
		t.Helper()
		return query[int](t, target, `SELECT count(*)::int FROM `+table)[0]
	}
	_, err := byline("migrate", "up")
	require.NoError(t, err)

	var out string
	out, err = byline("import", "prisma", old, "--dry-run")
	require.NoError(t, err, out)
	require.Contains(t, out, "nothing was stored")
	require.Regexp(t, `author-missing +1 +account +articles 11 `, out)
	require.Zero(t, count("users"))

	report := filepath.Join(folder, "report.ndjson")
	out, err = byline("import", "prisma", old, "--report", report)
	require.NoError(t, err, out)
	require.Regexp(t, `articles +3 +3 +0 +0 +0 +0`, out)
	require.NotContains(t, out, "postgres://")
	require.Equal(t, 3, count("articles"))
	lines, err := os.ReadFile(report)
	require.NoError(t, err)
	for line := range bytes.Lines(lines) {
		var c struct {
			Kind, Key, Code, Means, Remedy string
		}
		require.NoError(t, json.Unmarshal(line, &c))
		require.NotEmpty(t, c.Means)
		require.NotEmpty(t, c.Remedy)
	}

	proof := filepath.Join(folder, "proof.json")
	out, err = byline("import", "verify", "prisma", "env:OLD", "--json", proof)
	require.NoError(t, err, out)
	require.Contains(t, out, "both sides are the same")
	var p importer.Proof
	text, err := os.ReadFile(proof)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &p))
	require.Len(t, p.Tables, 5)

	for _, sql := range []string{
		`INSERT INTO old."Article" (id, slug, title, description, body, "createdAt", "updatedAt", "authorId") VALUES (12, 'new', 'New', 'd', 'b', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', 2)`,
		`INSERT INTO old."_UserFavorites" VALUES (12, 10)`, `DELETE FROM old."Comment" WHERE id = 7`,
	} {
		executeScript(t, whole, sql)
	}
	out, err = byline("import", "verify", "prisma", old)
	require.ErrorIs(t, err, errDifferent)
	require.Contains(t, out, "articles 12 is missing")
	require.Contains(t, out, "import again, with --full", "what to do")
	out, err = byline("import", "prisma", old)
	require.NoError(t, err, out)
	require.Regexp(t, `articles +2 +1 +0 +1 `, out, "what is new is read, and the latest row of the run before")
	require.Regexp(t, `comments +\d+ +0 +0 +\d+ +0 +1`, out)
	out, err = byline("import", "verify", "prisma", old)
	require.NoError(t, err, out)

	out, err = byline("import", "status")
	require.NoError(t, err)
	require.Regexp(t, `default +loaded +2 +\S+ +Prisma on PostgreSQL, database \S+ at `, out)
	out, err = byline("import", "finish")
	require.NoError(t, err)
	require.Contains(t, out, "finished the import default")
	_, err = byline("import", "prisma", old)
	require.ErrorIs(t, err, importer.ErrFinished)
	require.Equal(t, exitRefused, codeOf(err))
}

// TestImportUsage refuses what is not understood, and says what there is.
func TestImportUsage(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATABASE_URL": sharedDatabase(t, "import_usage"), "BYLINE_LOG_LEVEL": "error"}
	for _, c := range []struct {
		args []string
		code exitCode
		says string
	}{
		{[]string{"import", "prisma", "mongodb://u:secret@h/d"}, exitRefused, "must be like postgres://"},
		{[]string{"import", "prisma", "postgres://u:secret@127.0.0.1:1/d"}, exitRefused, "Prisma on PostgreSQL, database d at 127.0.0.1: "},
		{[]string{"import", "prisma", env["DATABASE_URL"], "--rule", "email=skip"}, exitUsage, `there is no rule "email"`},
		{[]string{"import", "prisma", env["DATABASE_URL"], "--rule", "email-taken"}, exitUsage, "expected a rule and what to do"},
		{[]string{"import", "prisma", env["DATABASE_URL"], "--mapping", "/nonexistent"}, exitRefused, "/nonexistent"},
		{[]string{"import", "sequelize", env["DATABASE_URL"]}, exitRefused, "tags: there is no table Tags"},
		{[]string{"import", "verify", "prisma", env["DATABASE_URL"]}, exitRefused, "there is no table"},
		{[]string{"import", "prisma", "env:OLD"}, exitRefused, "the environment variable OLD is not set"},
		{[]string{"import", "finish"}, exitRefused, `no import "default"`},
	} {
		out, err := command(t, env, c.args...)
		require.Error(t, err, c.args)
		require.Equal(t, c.code, codeOf(err), err)
		require.Contains(t, err.Error(), c.says)
		require.NotContains(t, out+err.Error(), "u:secret")
	}
	out, err := command(t, env, "import", "rules")
	require.NoError(t, err)
	require.Contains(t, out, "--rule email-taken=placeholder (the default) or skip")
	out, err = command(t, env, "import", "mapping", "prisma")
	require.NoError(t, err)
	require.Contains(t, out, "table: [_UserFavorites,")
}

// TestImportExport moves a site from one Byline to another, and compares both.
func TestImportExport(t *testing.T) {
	t.Parallel()
	from := map[string]string{"DATABASE_URL": sharedDatabase(t, "import_from"), "BYLINE_LOG_LEVEL": "error"}
	to := map[string]string{"DATABASE_URL": sharedDatabase(t, "import_to"), "BYLINE_LOG_LEVEL": "error"}
	file := filepath.Join(t.TempDir(), "site.ndjson")
	out, err := command(t, from, "seed", "--users=50", "--articles=200", "--comments=300", "--favorites=400", "--follows=100")
	require.NoError(t, err, out)
	out, err = command(t, from, "export", file)
	require.NoError(t, err, out)
	out, err = command(t, to, "import", "ndjson", file)
	require.NoError(t, err, out)
	out, err = command(t, to, "import", "verify", "ndjson", file)
	require.NoError(t, err, out)
	require.Contains(t, out, "both sides are the same")
}

// TestImportMarkdown imports a folder of Markdown.
func TestImportMarkdown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "2024-01-02-hello.md"), []byte("---\ntitle: Hello\ntags: [b, a]\nauthor: Ada\n---\nThe *text*.\n"), 0o600))
	target := sharedDatabase(t, "import_markdown")
	out, err := command(t, map[string]string{"DATABASE_URL": target, "BYLINE_LOG_LEVEL": "error"}, "import", "markdown", folder)
	require.NoError(t, err, out)
	require.Equal(t, []string{"hello|Ada|b,a|2024-01-02"}, query[string](t, target, `SELECT concat_ws('|', a.slug, u.username, array_to_string(tags, ','), (published_at AT TIME ZONE 'UTC')::date)
		FROM articles a JOIN users u ON u.id = a.author_id`))
	require.Regexp(t, `email-invalid +1 +placeholder +users ada`, out)
}

// TestImportKilled kills an import again and again. Each run goes on, and in the
// end both sides are the same.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	old, _ := oldDatabase(t, "import_old_large", `;
		INSERT INTO "User" (id, email, username, password) SELECT i, 'u' || i || '@example.com', 'u' || i, '' FROM generate_series(100, 12000) i;
		INSERT INTO "Article" (id, slug, title, description, body, "authorId") SELECT i, 's' || i, 't', 'd', repeat('body ', 50), 100 + i % 10000 FROM generate_series(100, 16000) i;
		INSERT INTO "_ArticleToTag" SELECT i, 1 + i % 3 FROM generate_series(100, 16000) i;
		INSERT INTO "Comment" (id, body, "articleId", "authorId") SELECT i, 'c', 100 + i % 10000, 100 + i % 10000 FROM generate_series(100, 30000) i;
		INSERT INTO "_UserFavorites" SELECT 100 + i % 10000, 100 + i % 9000 FROM generate_series(1, 30000) i ON CONFLICT DO NOTHING`)
	target := sharedDatabase(t, "import_killed")
	_, err := command(t, map[string]string{"DATABASE_URL": target, "BYLINE_LOG_LEVEL": "error"}, "migrate", "up") // which must not be killed
	require.NoError(t, err)
	killed := 0
	warned := false
	for attempt := 0; ; attempt++ {
		require.Less(t, attempt, 200)
		cmd := exec.Command(binary, "import", "prisma", old)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+target)
		var out safeBuffer
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(t, cmd.Start())
		exited := make(chan error, 1)
		go func() { exited <- cmd.Wait() }()
		var err error
		select {
		case err = <-exited:
		case <-time.After(time.Duration(300+rand.IntN(700)+150*attempt) * time.Millisecond):
			require.NoError(t, cmd.Process.Kill())
			<-exited
			killed++
			if !warned && killed > 3 {
				s := startService(t, target)
				warned = strings.Contains(s.log.tail(20_000), "an import has not stored all rows yet")
				s.end()
			}
			continue
		}
		require.NoError(t, err, out.tail(2000))
		break
	}
	require.NotZero(t, killed)
	require.True(t, warned, "a service that starts meanwhile warns")
	out, err := command(t, map[string]string{"DATABASE_URL": target, "BYLINE_LOG_LEVEL": "error"}, "import", "verify", "prisma", old)
	require.NoError(t, err, out)
	require.Contains(t, out, "both sides are the same")
	require.Zero(t, query[int](t, target, `SELECT count(*)::int FROM pg_trigger WHERE tgenabled = 'D'`)[0], "disabled triggers")
	t.Log(fmt.Sprint("killed ", killed, " times"))
}

// TestImportIntoOldDatabase refuses the old database as the one of Byline, which
// DATABASE_URL of a Node backend names.
func TestImportIntoOldDatabase(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../db/importer/sqlsource/testdata/prisma-postgres.sql")
	require.NoError(t, err)
	old := sharedDatabase(t, "import_into_old")
	executeScript(t, old, "SET TIME ZONE UTC;"+string(script))
	tables := func() int {
		return query[int](t, old, `SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'`)[0]
	}
	before := tables()
	for _, args := range [][]string{{"import", "prisma", old}, {"import", "prisma", old, "--dry-run"}} {
		out, err := command(t, map[string]string{"DATABASE_URL": old, "BYLINE_LOG_LEVEL": "error"}, args...)
		require.Equal(t, exitRefused, codeOf(err), out)
		require.ErrorContains(t, err, "the database of DATABASE_URL has tables of something else (Article, Comment, Tag, User, _ArticleToTag) and none of Byline")
	}
	require.Equal(t, before, tables())
}

// TestImportTexts checks what operators read when a run ends early, and in the
// report of a row that was left out.
func TestImportTexts(t *testing.T) {
	t.Parallel()
	require.EqualError(t, importError(fmt.Errorf("read users: %w", context.Canceled)),
		"the import was interrupted: run the same command again, and it goes on where it was")
	remedy := func(action importer.Action) string {
		var line bytes.Buffer
		require.NoError(t, writeCase(&line, importer.Case{Code: importer.AuthorMissing, Action: action}))
		var c struct{ Remedy string }
		require.NoError(t, json.Unmarshal(line.Bytes(), &c))
		return c.Remedy
	}
	require.Contains(t, remedy(importer.Account), "--rule orphans=NAME")
	require.True(t, strings.HasPrefix(remedy(importer.Skip), "This was left out."), remedy(importer.Skip))
}

// TestImportMakesDatabase says that a database is created, since the operator may
// mean one elsewhere, and says so only then.
func TestImportMakesDatabase(t *testing.T) {
	t.Parallel()
	folder, dir := t.TempDir(), filepath.Join(accessibleFolder(t), "data")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "hello.md"), []byte("---\ntitle: Hello\ndate: 2024-01-02\nauthor: Ada\n---\nText.\n"), 0o600))
	for _, says := range []bool{true, false} {
		out, err := command(t, map[string]string{"BYLINE_DATA_DIR": dir, "BYLINE_LOG_LEVEL": "error"}, "import", "markdown", folder)
		require.NoError(t, err, out)
		require.Equal(t, says, strings.Contains(out, "there is no database in "+dir+", so one is created there"), out)
	}
}
