package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/bench/internal/machine"
	"github.com/byline-api/byline/bench/internal/pgbench"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 45 * time.Second // Byline drains, then stops PostgreSQL
	drainTimeout = 20 * time.Second // for writes that the old system works on
)

// service is a running byline serve with the PostgreSQL that it has started.
type service struct {
	process *machine.Process
	addr    string
	// database is its URL. The password is that of a cluster which is deleted
	// after the run.
	database string
	cluster  pgbench.Cluster
}

// serve starts byline serve with a data folder of its own.
func serve(ctx context.Context, program, work, name string, env ...string) (*service, error) {
	addr, err := machine.FreeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := machine.FreeAddr()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(work, name)
	env = machine.Environment(append(env, "BYLINE_ADDR="+addr, "BYLINE_ADMIN_ADDR="+admin, "BYLINE_DATA_DIR="+data, "BYLINE_RATE_LIMIT=off")...)
	p, err := machine.Start(filepath.Join(work, name+".log"), work, env, program, "serve")
	if err != nil {
		return nil, err
	}
	s := &service{process: p, addr: addr}
	if err = p.Ready(ctx, startTimeout, answers("http://"+addr+"/readyz")); err == nil {
		s.cluster, err = pgbench.Find(data)
	}
	if err == nil {
		s.database, err = s.cluster.URL()
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop(stopTimeout))
	}
	return s, nil
}

// answers returns a check that a URL answers with 200.
func answers(url string) func() error {
	return func() error {
		client := http.Client{Timeout: 2 * time.Second}
		res, err := client.Get(url)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, res.Status)
		}
		return nil
	}
}

// importer runs byline import.
type importer struct {
	program, work, old, new string // old and new are URLs of databases
}

// oldDatabase names the variable with the address, because other users of the
// machine can see arguments.
const oldDatabase = "env:OLD_DATABASE_URL"

// imported is what a run of the import has read and changed.
type imported struct {
	Counts map[string]struct{ Read, Added, Changed, LeftOut, Deleted int64 }
	Cases  map[string]int64
}

// changes returns the number of rows that a run has stored or deleted.
func (i *imported) changes() (n int64) {
	for _, c := range i.Counts {
		n += c.Added + c.Changed + c.Deleted
	}
	return n
}

func (i *importer) command(ctx context.Context, args ...string) (string, error) {
	return machine.Output(ctx, i.work, machine.Environment("DATABASE_URL="+i.new, "OLD_DATABASE_URL="+i.old), i.program, append([]string{"import"}, args...)...)
}

// run imports once.
func (i *importer) run(ctx context.Context, flags ...string) (*imported, error) {
	file := filepath.Join(i.work, "imported.json")
	if _, err := i.command(ctx, append([]string{"prisma", oldDatabase, "--json", file}, flags...)...); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	result := new(imported)
	return result, json.Unmarshal(text, result)
}

// verify compares all rows of both sides. The error lists what differs.
func (i *importer) verify(ctx context.Context) (string, error) {
	out, err := i.command(ctx, "verify", "prisma", oldDatabase)
	if err != nil {
		return "", fmt.Errorf("byline import verify: %w\n%s", err, out)
	}
	return out, nil
}

// answersSample is about how many articles are compared through both APIs.
const answersSample = "100"

// answers compares answers of both APIs. The error lists what differs.
func (i *importer) answers(ctx context.Context, old, new string) (string, error) {
	out, err := i.command(ctx, "verify", "answers", "http://"+old+"/api", "http://"+new+"/api", "--sample", answersSample)
	if err != nil {
		return "", fmt.Errorf("byline import verify answers: %w\n%s", err, out)
	}
	return out, nil
}

// finish ends the import.
func (i *importer) finish(ctx context.Context) error {
	_, err := i.command(ctx, "finish")
	return err
}

// proxy is a running byline strangle.
type proxy struct {
	process     *machine.Process
	addr, admin string
	file        string
}

// settings are the configuration file of the proxy. JSON is YAML too.
type settings struct {
	Modes           map[string]string `json:"modes"`
	StickAfterWrite string            `json:"stickAfterWrite"`
	WritesFallBack  bool              `json:"writesFallBack"`
	Hold            hold              `json:"hold"`
	Compare         comparison        `json:"compare"`
}

// hold bounds the requests that wait.
type hold struct {
	Requests int    `json:"requests"`
	Time     string `json:"time"`
}

// comparison has the rules of the comparison. An empty list takes the place of
// the rules that the proxy has by default.
type comparison struct {
	Ignore    []string `json:"ignore"`
	Unordered []string `json:"unordered"`
	Tokens    []string `json:"tokens"`
}

// strangle starts the proxy in front of both systems.
func strangle(ctx context.Context, program, work, old, new string, first settings) (*proxy, error) {
	p := &proxy{file: filepath.Join(work, "strangle.yaml")}
	var err error
	if p.addr, err = machine.FreeAddr(); err != nil {
		return nil, err
	}
	if p.admin, err = machine.FreeAddr(); err != nil {
		return nil, err
	}
	if err := p.write(first); err != nil {
		return nil, err
	}
	p.process, err = machine.Start(filepath.Join(work, "strangle.log"), work, machine.Environment(), program,
		"strangle", "--file", p.file, "--old", "http://"+old, "--new", "http://"+new, "--listen", p.addr, "--admin", p.admin)
	if err != nil {
		return nil, err
	}
	if err := p.process.Ready(ctx, startTimeout, answers("http://"+p.admin+"/livez")); err != nil {
		return nil, errors.Join(err, p.process.Stop(stopTimeout))
	}
	return p, nil
}

// write replaces the file in one step, because the proxy reads it at any time.
func (p *proxy) write(s settings) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(p.file+".new", p.file)
}

// configure replaces the file, and waits until the proxy has applied it.
func (p *proxy) configure(ctx context.Context, s settings) error {
	before, err := p.filesRead(ctx)
	if err != nil {
		return err
	}
	if err := p.write(s); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for {
		now, err := p.filesRead(limit)
		if err != nil {
			return err
		}
		if now > before {
			return nil
		}
		if err := pause(limit, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the proxy has not applied its file: %w", err)
		}
	}
}

// changesByFile matches the metric that counts how often the file was applied.
var changesByFile = regexp.MustCompile(`(?m)^strangle_changes_total\{by="file"\} ([0-9]+)$`)

// filesRead returns how often the proxy has applied its file.
func (p *proxy) filesRead(ctx context.Context) (int, error) {
	text, err := p.send(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	m := changesByFile.FindSubmatch(text)
	if m == nil {
		return 0, errors.New("the metrics of the proxy lack strangle_changes_total")
	}
	return strconv.Atoi(string(m[1]))
}

// hold lets writes wait, and returns when the old system has finished those
// that it works on.
func (p *proxy) hold(ctx context.Context) error {
	var state struct{ Drained bool }
	err := p.ask(ctx, http.MethodPatch, "/mode?wait="+drainTimeout.String(), map[string]string{"writes": "hold"}, &state)
	if err == nil && !state.Drained {
		err = fmt.Errorf("the old system has not finished its writes within %s", drainTimeout)
	}
	return err
}

// set replaces all modes.
func (p *proxy) set(ctx context.Context, modes map[string]string) error {
	return p.ask(ctx, http.MethodPut, "/mode", modes, nil)
}

// group is a difference that the proxy has found in many responses.
type group struct {
	Operation string `json:"operation"`
	Path      string `json:"path"`
	Kind      string `json:"kind"`
	Count     int64  `json:"count"`
	Samples   []any  `json:"samples"`
}

// compared counts comparisons by operation and result.
type compared map[string]map[string]int64

// since returns the comparisons that were not there before.
func (c compared) since(before compared) compared {
	more := compared{}
	for operation, results := range c {
		for result, n := range results {
			if n -= before[operation][result]; n > 0 {
				if more[operation] == nil {
					more[operation] = map[string]int64{}
				}
				more[operation][result] = n
			}
		}
	}
	return more
}

// total counts the comparisons of all operations, by result.
func (c compared) total() map[string]int64 {
	sum := map[string]int64{}
	for _, results := range c {
		for result, n := range results {
			sum[result] += n
		}
	}
	return sum
}

// differences returns what was found since they were cleared, and all
// comparisons since the start.
func (p *proxy) differences(ctx context.Context) (found []group, results compared, err error) {
	var all struct {
		Differences []group
		Comparisons compared
	}
	err = p.ask(ctx, http.MethodGet, "/differences", nil, &all)
	return all.Differences, all.Comparisons, err
}

// fallback matches the metric that counts the requests that the old system
// answered instead of Byline.
var fallback = regexp.MustCompile(`(?m)^strangle_fallbacks_total\{operation="(\w+)",reason="(\w+)"\} ([1-9][0-9]*)$`)

// fallbacks counts the requests that the old system answered because Byline
// could not, by operation and reason.
func (p *proxy) fallbacks(ctx context.Context) (map[string]int, error) {
	text, err := p.send(ctx, http.MethodGet, "/metrics", nil)
	counts := map[string]int{}
	for _, m := range fallback.FindAllSubmatch(text, -1) {
		if reason := string(m[2]); reason != "after_write" { // which is as it should be
			n, err := strconv.Atoi(string(m[3]))
			if err != nil {
				return nil, err
			}
			counts[string(m[1])+" "+reason] = n
		}
	}
	return counts, err
}

func (p *proxy) clear(ctx context.Context) error {
	return p.ask(ctx, http.MethodDelete, "/differences", nil, nil)
}

// ask sends a request to the admin port, and decodes the answer.
func (p *proxy) ask(ctx context.Context, method, path string, in, out any) error {
	text, err := p.send(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

func (p *proxy) send(ctx context.Context, method, path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.admin+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s of the proxy: %s: %s", method, path, res.Status, strings.TrimSpace(string(text)))
	}
	return text, err
}
