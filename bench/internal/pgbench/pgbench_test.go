package pgbench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const generated = "package query\n" +
	"const articleGet = `-- name: ArticleGet :one\n\n-- why\nSELECT $2::text, $1, $10 FROM a -- end\n`\n" +
	"func (q *Queries) ArticleGet(ctx context.Context, db DBTX, arg P) error {\n" +
	"	row := db.QueryRow(ctx, articleGet, arg.ViewerID, arg.Slug)\n\treturn row.Scan()\n}\n" +
	"const tagList = `SELECT 1`\n" +
	"func (q *Queries) TagList(ctx context.Context, db DBTX) error { _, err := db.Exec(ctx, tagList); return err }\n" +
	"const byEmail = `SELECT $1`\n" +
	"func (q *Queries) ByEmail(ctx context.Context, db DBTX, email string) error { _, err := db.Exec(ctx, byEmail, email); return err }\n"

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.sql.gen.go"), []byte(generated), 0o600); err != nil {
		t.Fatal(err)
	}
	q, err := Load(dir, "ArticleGet")
	if err != nil || !slices.Equal(q.Params, []string{"ViewerID", "Slug"}) {
		t.Fatalf("%+v, %v", q, err)
	}
	_, err = q.Script("", map[string]string{"ViewerID": ":viewer"})
	if err == nil || !strings.Contains(err.Error(), "parameter Slug") || !strings.Contains(err.Error(), "$10") {
		t.Errorf("got %v", err)
	}
	q.SQL = strings.Replace(q.SQL, ", $10", "", 1)
	got, err := q.Script("\\set viewer 1\n", map[string]string{"ViewerID": ":viewer", "Slug": Quote("it's")})
	if want := "\\set viewer 1\nSELECT 'it''s'::text, :viewer FROM a -- end;\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if q, err = Load(dir, "TagList"); err != nil || len(q.Params) != 0 {
		t.Errorf("%+v, %v", q, err)
	}
	if q, err = Load(dir, "ByEmail"); err != nil || !slices.Equal(q.Params, []string{"Email"}) {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err = Load(dir, "Gone"); err == nil {
		t.Error("a missing query was found")
	}
}

// TestRepository checks that the names that the benchmark uses exist in the
// repository.
func TestRepository(t *testing.T) {
	for _, name := range []string{"ArticleGetBySlug", "ArticleList", "ArticleListFeed", "CommentCreate"} {
		if q, err := Load("../../../gen/query", name); err != nil || len(q.Params) == 0 {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
}

func TestParse(t *testing.T) {
	out := "progress: 1.0 s, 500.0 tps, lat 1 ms\nprogress: 2.0 s, 1000.0 tps, lat 1 ms\nprogress: 3.0 s, 3000.0 tps, lat\nprogress: 3.5 s, 2000.0 tps\n" +
		"number of failed transactions: 0 (0.000%)\ntps = 18866.524 (without initial connection time)\n"
	if got, err := parse(out); err != nil || got != 2000 {
		t.Errorf("%f, %v", got, err)
	}
	if _, err := parse(strings.Replace(out, ": 0 (", ": 7 (", 1)); err == nil {
		t.Error("failures were ignored")
	}
	for _, bad := range []string{"nothing", "progress: 1.0 s, 500.0 tps, lat 1 ms\n"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseCount(t *testing.T) {
	out := "number of transactions actually processed: 4711\nnumber of failed transactions: 0 (0.000%)\n"
	if got, err := parseCount(out); err != nil || got != 4711 {
		t.Errorf("%d, %v", got, err)
	}
	for _, bad := range []string{"", strings.Replace(out, "4711", "0", 1), strings.Replace(out, ": 0 (", ": 7 (", 1)} {
		if _, err := parseCount(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParsePID(t *testing.T) {
	var c Cluster
	if err := c.parsePID("4711\n/data/postgres\n1700000000\n54321\n\n127.0.0.1\n 123 4\nready   \n"); err != nil || c.PID != 4711 || c.Port != 54321 || c.Host != "127.0.0.1" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := c.parsePID("4711\n/data\n1\n54321\n/run/postgresql\n\n 1\nready\n"); err != nil || c.Host != "/run/postgresql" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := c.parsePID("4711\n"); err == nil {
		t.Error("a short file was accepted")
	}
}

func TestMajor(t *testing.T) {
	if major("/usr/lib/postgresql/15/bin/pgbench") != 15 || major("pgbench") != 0 {
		t.Error("wrong major version")
	}
}
