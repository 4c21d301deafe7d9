package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/db/quotas"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/purge"
	"github.com/byline-api/byline/server/ratelimit"
)

// problemCodes returns the error codes that package problem declares.
func problemCodes(t *testing.T) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/problem/problem.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(spec.Type) == "Code" {
			for _, v := range spec.Values {
				code, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				require.NoError(t, err)
				codes = append(codes, code)
			}
		}
		return true
	})
	slices.Sort(codes)
	return codes
}

// TestErrorsGuide checks that docs/errors.md describes exactly the existing
// error codes, with the right status, title and detail.
func TestErrorsGuide(t *testing.T) {
	t.Parallel()
	codes := problemCodes(t)
	require.NotEmpty(t, codes)
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	var declared []string
	for _, v := range doc.Components.Schemas["ProblemCode"].Value.Enum {
		declared = append(declared, v.(string))
	}
	slices.Sort(declared)
	require.Equal(t, codes, declared, "openapi.yaml")

	guide := readFile(t, "../../docs/errors.md")
	head, rest, _ := strings.Cut(guide, "\n## ")
	var explained []string
	for section := range strings.SplitSeq(rest, "\n## ") {
		code, text, _ := strings.Cut(section, "\n")
		if !slices.Contains(codes, code) {
			continue // what several errors have in common
		}
		explained = append(explained, code)
		p := problem.New(problem.Code(code), "f", "m")
		require.Contains(t, head, fmt.Sprintf("| [`%s`](#%s) | %d |", code, code, p.Status()))
		require.Contains(t, text, "- Cause: ", code)
		require.Contains(t, text, "- Remedy: ", code)
		example := regexp.MustCompile("(?s)```json\n(.*)\n```").FindStringSubmatch(text)
		require.NotNil(t, example, code)
		var got client.Problem
		require.NoError(t, json.Unmarshal([]byte(example[1]), &got), code)
		require.Equal(t, code, string(got.Code))
		require.EqualValues(t, p.Status(), got.Status, code)
		require.Equal(t, "/docs/errors#"+code, got.Type)
		require.NotEmpty(t, got.Errors, code)
		require.NotEmpty(t, got.RequestId, code)
		require.Contains(t, text, fmt.Sprintf("**%d %s.** %s\n", p.Status(), got.Title, p.Detail), code)
	}
	require.Equal(t, codes, explained, "docs/errors.md")
}

// TestSecurityGuide checks that each row of docs/security.md names a test, and
// that every named test exists.
func TestSecurityGuide(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2) {
			return cmp.Or(err, filepath.SkipDir)
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(readFile(t, path), -1) {
				tests[m[1]] = true
			}
		}
		return nil
	}))
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	rows := 0
	for line := range strings.Lines(readFile(t, "../../docs/security.md")) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasSuffix(line, "| Test |\n") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		require.Len(t, cells, 3, line)
		found := named.FindAllStringSubmatch(cells[2], -1)
		require.NotEmpty(t, found, "docs/security.md: the row names no test: %s", line)
		for _, m := range found {
			require.True(t, tests[m[1]], "docs/security.md names %s, which does not exist", m[1])
		}
	}
	require.Greater(t, rows, 50)
	rules := named.FindAllStringSubmatch(readFile(t, "../../docs/development.md"), -1)
	require.Greater(t, len(rules), 15)
	for _, m := range rules {
		require.True(t, tests[m[1]] || m[1] == "TestGetRelatedArticles", "docs/development.md names %s, which does not exist", m[1])
	}
}

// scrape returns the names of all series that the service exports, including
// the series of histograms, and the names of the metric families.
func scrape(t *testing.T) (series, families map[string]bool) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Config{URL: "postgres://nobody@127.0.0.1:1/none", MaxConns: 1, ReadURLs: []string{"postgres://nobody@127.0.0.1:2/none"}})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	courier := mail.NewCourier(mail.Config{}, d, slog.New(slog.DiscardHandler))
	queue, err := jobs.New(jobs.Config{DB: d, Logger: slog.New(slog.DiscardHandler), Workers: []jobs.Worker{courier.Worker()}})
	require.NoError(t, err)
	s, err := server.New(server.Config{
		Compat: server.Strict, RequestTimeout: time.Second, CacheBytes: 1 << 20, Purges: purge.Config{URLs: []string{"http://127.0.0.1:1/purge"}},
	}, server.Deps{
		API: api.New(api.Deps{DB: d}), DB: d, Feed: changes.NewFeed(d, slog.New(slog.DiscardHandler)), Logger: slog.New(slog.DiscardHandler), LogLevel: &slog.LevelVar{},
		Mail:       courier,
		Jobs:       queue,
		LogDropped: func() int64 { return 0 },
		Quotas:     quotas.NewStore(d),
	})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	s.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	series, families = map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			families[name] = true
		} else if !strings.HasPrefix(line, "#") {
			series[regexp.MustCompile(`^\w+`).FindString(line)] = true
		}
	}
	return series, families
}

var (
	promLabels  = regexp.MustCompile(`\{[^}]*\}|"[^"]*"|\[[^\]]*\]|\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)`)
	promNames   = regexp.MustCompile(`[a-zA-Z_:][\w:]*\b *\(?`)
	promKeyword = map[string]bool{"and": true, "or": true, "unless": true, "bool": true, "offset": true}
)

// metricsIn returns the names of the metrics in a PromQL expression.
func metricsIn(expr string) (names []string) {
	for _, name := range promNames.FindAllString(promLabels.ReplaceAllString(expr, " "), -1) {
		if name = strings.TrimSpace(name); !strings.HasSuffix(name, "(") && !promKeyword[name] {
			names = append(names, name)
		}
	}
	return names
}

func TestMetricsIn(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a_total", "b", "up"}, metricsIn(
		`sum by (x) (rate(a_total{job=~"$job",c="d"}[$__rate_interval])) / on (instance) b >= 1 and absent(up{e="f"}) > 10 * 2`))
}

// TestDashboardAndAlerts checks that the service exports every metric that the
// dashboard and the alerts use.
func TestDashboardAndAlerts(t *testing.T) {
	t.Parallel()
	series, _ := scrape(t)
	series["up"] = true // Prometheus adds this series itself
	check := func(where, expr string) {
		names := metricsIn(expr)
		require.NotEmpty(t, names, "%s: %s", where, expr)
		for _, name := range names {
			require.True(t, series[name], "%s uses the metric %s, which the service does not export", where, name)
		}
	}

	var dashboard struct {
		UID        string
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID         int
			Type       string
			Title      string
			Datasource struct{ UID string }
			Targets    []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "../../deploy/grafana/byline.json")), &dashboard))
	require.Equal(t, "datasource", dashboard.Templating.List[0].Type)
	titles := map[string]bool{}
	for _, p := range dashboard.Panels {
		require.False(t, titles[p.Title], p.Title)
		titles[p.Title] = true
		if p.Type == "row" {
			continue
		}
		require.Equal(t, "${datasource}", p.Datasource.UID, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			check(p.Title, target.Expr)
		}
	}
	require.Greater(t, len(titles), 15)

	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "../../deploy/prometheus/alerts.yml")), &alerts))
	guide := readFile(t, "../../docs/observability.md")
	rules := 0
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			rules++
			check(rule.Alert, rule.Expr)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.Contains(t, []string{"page", "warn"}, rule.Labels["severity"])
			require.True(t, strings.HasSuffix(rule.Annotations["runbook_url"], "/docs/observability.md#"+strings.ToLower(rule.Alert)), rule.Alert)
			require.Contains(t, guide, "\n### "+rule.Alert+"\n")
		}
	}
	require.Equal(t, rules, strings.Count(guide, "\n### Byline"), "docs/observability.md: every runbook must belong to an alert")
	require.Contains(t, readFile(t, "../../deploy/prometheus/prometheus.yml"), "- alerts.yml")
}

// TestMetricsGuide checks that docs/observability.md lists exactly the metrics
// that the service exports.
func TestMetricsGuide(t *testing.T) {
	t.Parallel()
	_, families := scrape(t)
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `[a-z]+_.*").FindAllString(readFile(t, "../../docs/observability.md"), -1) {
		cell := strings.Split(row, "|")[1]
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			documented[name[1]] = true
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		require.True(t, documented[name], "docs/observability.md does not list the metric %s", name)
		delete(documented, name)
	}
	require.Equal(t, map[string]bool{"go_*": true, "process_*": true}, documented)
}

// inGuides finds the operations that guides name in code, such as
// `GET /api/articles/{slug}`.
var inGuides = regexp.MustCompile("`(GET|HEAD|POST|PUT|DELETE) (/[^`?]*)[^`]*`")

// named returns the operations that some lines of a guide name, sorted.
func named(t *testing.T, file, line string) (operations []string) {
	t.Helper()
	for _, l := range regexp.MustCompile("(?m)^"+line+".*$").FindAllString(readFile(t, "../../docs/"+file), -1) {
		for _, m := range inGuides.FindAllStringSubmatch(l, -1) {
			operations = append(operations, m[1]+" "+m[2])
		}
	}
	slices.Sort(operations)
	return operations
}

// TestGuideOperations checks that the document has every operation that a guide
// names, and that lists of operations in guides are complete.
func TestGuideOperations(t *testing.T) {
	t.Parallel()
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	declared := map[string]*openapi3.Operation{}
	having := func(has func(*openapi3.Operation) bool) (operations []string) {
		for name, op := range declared {
			if has(op) {
				operations = append(operations, name)
			}
		}
		slices.Sort(operations)
		return operations
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			declared[method+" /api"+path] = op
		}
	}

	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	elsewhere := []string{
		"GET /metrics",                 // on the admin port
		"GET /articles/{slug}/related", // in its document
	}
	for _, file := range files {
		for _, m := range inGuides.FindAllStringSubmatch(readFile(t, file), -1) {
			name := strings.Replace(m[1], "HEAD", "GET", 1) + " " + m[2]
			require.True(t, declared[name] != nil || slices.Contains(elsewhere, name), "%s names %s, which the document does not have", file, name)
		}
	}

	require.Equal(t, having(func(op *openapi3.Operation) bool { return op.Extensions["x-idempotent"] == true }),
		named(t, "idempotency.md", `\|`), "docs/idempotency.md: the operations that accept a key")
	require.Equal(t, having(func(op *openapi3.Operation) bool { return op.Parameters.GetByInAndName("query", "format") != nil }),
		named(t, "content.md", `\|`), "docs/content.md: the operations with format=html")
	require.Equal(t, having(func(op *openapi3.Operation) bool { return op.Extensions["x-rate-limit"] == "auth" }),
		named(t, "rate-limits.md", "- "), "docs/rate-limits.md: the operations of the class auth")
	for class, quota := range ratelimit.StrictQuotas() {
		require.Contains(t, readFile(t, "../../docs/rate-limits.md"), fmt.Sprintf("\n| `%s` | %d |", class, quota.Requests))
	}
	var lists []string
	for name := range declared {
		limit := declared[name].Parameters.GetByInAndName("query", "limit")
		if limit == nil {
			continue
		}
		lists = append(lists, name)
		row := fmt.Sprintf("| %v | %v |", limit.Schema.Value.Default, *limit.Schema.Value.Max)
		require.Contains(t, named(t, "pagination.md", `\|.*`+regexp.QuoteMeta(row)), name, "docs/pagination.md: the row of %s ends in %s", name, row)
	}
	slices.Sort(lists)
	require.Equal(t, lists, named(t, "pagination.md", `\|`), "docs/pagination.md: the lists with pages")
}

// TestReadmeLinksGuides checks that a reader of README.md finds every guide.
func TestReadmeLinksGuides(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "../../README.md")
	guides, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	for _, path := range guides {
		link := "](docs/" + filepath.Base(path) + ")"
		require.True(t, strings.Contains(readme, link), "README.md, Where to go from here: add %s", link)
	}
}

// TestOneWord checks that texts call a thing by the word that the API uses.
func TestOneWord(t *testing.T) {
	t.Parallel()
	words := map[string]*regexp.Regexp{
		"username": regexp.MustCompile(`(?i)user\s+names?\b`),
		"favorite": regexp.MustCompile(`(?i)\w*favourit\w*`),
	}
	for _, pattern := range []string{"openapi.yaml", "*.md", "docs/*.md", "sdk/*.md", "bench/*.md", "cmd/byline/*.go", "server/pages/*.go"} {
		paths, err := filepath.Glob("../../" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text := readFile(t, path)
			for word, other := range words {
				if found := other.FindString(text); found != "" {
					t.Errorf("%s: write %q instead of %q", path, word, found)
				}
			}
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
