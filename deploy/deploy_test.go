// Package deploy_test checks the files in deploy/ against the service: names,
// ports, limits and files must agree, because no other test builds a container.
package deploy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(filepath.Dir(binary()))
	os.Exit(code)
}

var binary = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "byline-deploy-")
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "byline")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/byline").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return path
})

// settings runs `byline config` with only these variables and returns name ->
// value. It checks that the service knows and accepts all of them.
func settings(t *testing.T, env map[string]string) map[string]string {
	t.Helper()
	cmd := exec.Command(binary(), "config")
	cmd.Env = []string{} // nil would mean the environment of this process
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	require.NoError(t, err, warnings.String())
	require.Empty(t, warnings.String())
	values, from := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		values[fields[0]], from[fields[0]] = fields[1], fields[len(fields)-1]
	}
	for name, value := range env {
		if strings.HasPrefix(name, "GO") {
			continue // a variable of the Go runtime
		}
		require.Contains(t, from, name, "not a setting")
		if value != "" {
			require.Equal(t, "env", from[name], name)
		}
	}
	return values
}

type service struct {
	Image       string
	Command     []string
	Environment map[string]string
	Volumes     []struct {
		Type, Source, Target string
		ReadOnly             bool `yaml:"read_only"`
	}
	Networks map[string]any
	Ports    []struct {
		HostIP string `yaml:"host_ip"`
		Target int
	}
	StopGracePeriod time.Duration `yaml:"stop_grace_period"`
	ReadOnly        bool          `yaml:"read_only"`
	CapDrop         []string      `yaml:"cap_drop"`
	SecurityOpt     []string      `yaml:"security_opt"`
	MemLimit        string        `yaml:"mem_limit"`
	Build           struct{ Context, Dockerfile string }
	Ulimits         struct{ Nofile struct{ Soft int } }
}

type compose struct {
	Services map[string]service
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
}

var variable = regexp.MustCompile(`\$\{(\w+)(?::([-?])([^}]*))?\}`)

// readCompose reads compose.yaml like Compose does with .env.example in which
// the passwords have been set. The parser is that of Compose, but its program
// does not know the environment.
func readCompose(t *testing.T) compose {
	t.Helper()
	env := envFile(t, ".env.example")
	env["POSTGRES_PASSWORD"], env["GRAFANA_PASSWORD"] = "secret", "secret"
	used := map[string]bool{}
	interpolate := func(s string) string {
		m := variable.FindStringSubmatch(s)
		name, fallback := m[1], m[3]
		require.Contains(t, env, name, ".env.example lacks it")
		used[name] = true
		if m[2] == "-" && env[name] != "" {
			require.Equal(t, env[name], fallback, "%s: compose.yaml and .env.example differ", name)
		}
		return env[name]
	}
	var doc yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "compose.yaml")), &doc))
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			n.Value = variable.ReplaceAllStringFunc(n.Value, interpolate)
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(&doc) // after parsing, as Compose does, so that a value is never read as YAML
	require.ElementsMatch(t, slices.Collect(maps.Keys(env)), slices.Collect(maps.Keys(used)), ".env.example")
	text, err := yaml.Marshal(&doc)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "compose.yaml")
	writeFile(t, file, string(text))
	// Built before it runs, since go reports its downloads where the program
	// writes its warnings.
	build := exec.Command("go", "tool", "-modfile=../tools.mod", "-n", "github.com/compose-spec/compose-go/v2/cmd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -pgo=off")
	program, err := build.Output()
	require.NoError(t, err)
	cmd := exec.Command(strings.TrimSpace(string(program)), "-no-interpolation", file)
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	require.NoError(t, err, warnings.String())
	require.Empty(t, warnings.String())
	var c compose
	require.NoError(t, yaml.Unmarshal(out, &c))
	return c
}

func TestCompose(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	require.ElementsMatch(t, []string{"postgres", "byline", "prometheus", "grafana"}, slices.Collect(maps.Keys(c.Services)))
	for name, s := range c.Services {
		require.NotContains(t, s.Image, "latest", name)
		require.Contains(t, s.Image, ":", name)
		require.NotEmpty(t, s.MemLimit, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		for n := range s.Networks {
			require.Contains(t, c.Networks, n, name)
		}
		for _, v := range s.Volumes {
			if v.Type == "bind" {
				_, err := os.Stat(v.Source)
				require.NoError(t, err, name)
				require.True(t, v.ReadOnly, v.Source)
			} else {
				require.Contains(t, c.Volumes, v.Source, name)
			}
		}
		for _, p := range s.Ports {
			require.Equal(t, "127.0.0.1", p.HostIP, "%s is reachable from other machines", name)
		}
	}

	byline := c.Services["byline"]
	require.Equal(t, "deploy/Containerfile", byline.Build.Dockerfile)
	require.FileExists(t, filepath.Join(byline.Build.Context, byline.Build.Dockerfile))
	require.True(t, byline.ReadOnly)
	require.Equal(t, []string{"ALL"}, byline.CapDrop)
	cfg := settings(t, byline.Environment)
	require.Contains(t, cfg["DATABASE_URL"], "@postgres:5432/byline")
	require.Equal(t, []string{"50", "10", "3s"}, []string{cfg["BYLINE_POOL_MAX"], cfg["BYLINE_POOL_MIN"], cfg["BYLINE_POOL_ACQUIRE_TIMEOUT"]})
	require.Greater(t, byline.StopGracePeriod, duration(t, cfg["BYLINE_DRAIN_TIMEOUT"])+10*time.Second)
	require.Greater(t, byline.Ulimits.Nofile.Soft, number(t, cfg["BYLINE_MAX_CONNECTIONS"])+number(t, cfg["BYLINE_POOL_MAX"]))
	require.Len(t, byline.Ports, 1, "the admin port must not be published")
	require.True(t, strings.HasSuffix(cfg["BYLINE_ADDR"], fmt.Sprintf(":%d", byline.Ports[0].Target)))

	postgres := c.Services["postgres"]
	require.Empty(t, postgres.Ports)
	require.Equal(t, []string{"data"}, slices.Collect(maps.Keys(postgres.Networks)))
	require.True(t, c.Networks["data"].Internal)
	i := slices.IndexFunc(postgres.Command, func(s string) bool { return strings.HasPrefix(s, "max_connections=") })
	require.GreaterOrEqual(t, i, 0)
	connections := number(t, strings.TrimPrefix(postgres.Command[i], "max_connections="))
	require.Greater(t, connections, 2*number(t, cfg["BYLINE_POOL_MAX"])+3, "two replicas at once, and the superuser's reserve")
}

// TestMonitoring follows a metric from the admin port over Prometheus and the
// data source to the dashboard.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	_, port, _ := strings.Cut(settings(t, c.Services["byline"].Environment)["BYLINE_ADMIN_ADDR"], ":")
	var prometheus struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "prometheus/prometheus.yml")), &prometheus))
	require.Equal(t, []string{"byline:" + port}, prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets)
	for _, file := range prometheus.RuleFiles {
		require.FileExists(t, filepath.Join("prometheus", file))
	}
	for _, pair := range [][2]string{{"byline", "prometheus"}, {"prometheus", "grafana"}} {
		var shared []string
		for network := range c.Services[pair[0]].Networks {
			if _, ok := c.Services[pair[1]].Networks[network]; ok {
				shared = append(shared, network)
			}
		}
		require.NotEmpty(t, shared, pair)
	}

	var sources struct{ Datasources []struct{ Type, URL string } }
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "grafana/provisioning/datasources/prometheus.yml")), &sources))
	require.Equal(t, "prometheus", sources.Datasources[0].Type) // the dashboard selects the source by its type
	require.Equal(t, "http://prometheus:9090", sources.Datasources[0].URL)
	var dashboards struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "grafana/provisioning/dashboards/byline.yml")), &dashboards))
	home := dashboards.Providers[0].Options.Path + "/byline.json"
	found := false
	for _, v := range c.Services["grafana"].Volumes {
		found = found || v.Target == home && filepath.Base(v.Source) == "byline.json"
	}
	require.True(t, found, "the dashboard is not mounted at "+home)
	require.Equal(t, home, c.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
}

func TestUnit(t *testing.T) {
	t.Parallel()
	values := map[string][]string{}
	for line := range strings.Lines(readFile(t, "byline.service")) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			values[name] = append(values[name], value)
		}
	}
	env := map[string]string{}
	for _, assignment := range strings.Fields(strings.Join(values["Environment"], " ")) {
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
	}
	cfg := settings(t, env)
	require.Equal(t, "/var/lib/"+values["StateDirectory"][0], filepath.Dir(cfg["BYLINE_DATA_DIR"]))
	// The time to stop PostgreSQL is stopTimeout in cmd/byline plus quitWait in
	// db/embedded.
	require.Greater(t, duration(t, values["TimeoutStopSec"][0]), duration(t, cfg["BYLINE_DRAIN_TIMEOUT"])+(3+15+8)*time.Second)
	require.Equal(t, []string{"mixed"}, values["KillMode"])
	require.Greater(t, number(t, values["LimitNOFILE"][0]), number(t, cfg["BYLINE_MAX_CONNECTIONS"]))
}

func TestContainerfile(t *testing.T) {
	t.Parallel()
	text := readFile(t, "Containerfile")
	env := map[string]string{}
	joined := strings.ReplaceAll(text, "\\\n", " ")
	for _, line := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(joined, -1) {
		for _, assignment := range strings.Fields(line[1]) {
			name, value, _ := strings.Cut(assignment, "=")
			env[name] = value
		}
	}
	cfg := settings(t, env)
	for _, name := range []string{"BYLINE_ADDR", "BYLINE_ADMIN_ADDR"} {
		host, port, _ := strings.Cut(cfg[name], ":")
		require.Equal(t, "0.0.0.0", host, name)
		require.Regexp(t, `(?m)^EXPOSE .*\b`+port+`\b`, text)
	}
	require.Regexp(t, `(?m)^USER 65532:65532$`, text)

	// The same flags give the same binary.
	flags := regexp.MustCompile(`-trimpath -buildvcs=false -?\s*\\?\s*-ldflags "[^$]*\$[vV]\w+ [^$]*\$[cC]\w+"`)
	same := func(file string) string {
		m := flags.FindString(strings.ReplaceAll(readFile(t, file), "\\\n", " "))
		require.NotEmpty(t, m, file)
		return strings.Join(strings.Fields(strings.ToLower(m)), " ")
	}
	require.Equal(t, same("../.ci/release-check"), same("Containerfile"))

	// The build context contains every file of this repository that the binary
	// is built from.
	sent := map[string]bool{}
	for line := range strings.Lines(readFile(t, "Containerfile.dockerignore")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			sent[name] = true
		}
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,Module", "./cmd/byline")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	require.NoError(t, err)
	files := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
			Module              *struct{ Main bool }
		}
		require.NoError(t, dec.Decode(&p))
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, file := range append(p.GoFiles, p.EmbedFiles...) {
			path, err := filepath.Rel(root, filepath.Join(p.Dir, file))
			require.NoError(t, err)
			top, _, nested := strings.Cut(path, "/")
			require.True(t, sent[top] || !nested && strings.HasSuffix(path, ".go"), "%s is not sent", path)
			require.NotContains(t, path, "testdata")
			files++
		}
	}
	require.Greater(t, files, 50)
}

// TestGuide checks that docs/deploying.md uses only settings and files that
// exist.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide, known := readFile(t, "../docs/deploying.md"), settings(t, nil)
	names := regexp.MustCompile(`\bBYLINE_[A-Z_]+\b`).FindAllString(guide, -1)
	require.NotEmpty(t, names)
	composeText := readFile(t, "compose.yaml")
	for _, name := range names {
		require.True(t, known[name] != "" || strings.Contains(composeText, "${"+name), name)
	}
	for _, path := range regexp.MustCompile(`\bdeploy/[\w./-]*\w`).FindAllString(guide, -1) {
		if path != "deploy/.env" { // created by the reader
			_, err := os.Stat(filepath.Join("..", path))
			require.NoError(t, err)
		}
	}
}

func envFile(t *testing.T, path string) map[string]string {
	t.Helper()
	env := map[string]string{}
	for line := range strings.Lines(readFile(t, path)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		require.True(t, ok, line)
		env[name] = value
	}
	return env
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
