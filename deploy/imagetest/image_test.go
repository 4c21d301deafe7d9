// Package imagetest_test builds the container image, and runs its files as a
// container engine would.
package imagetest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// config is the configuration of an image.
type config struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	ExposedPorts map[string]struct{}
	Labels       map[string]string
	Healthcheck  struct {
		Test                           []string
		Interval, Timeout, StartPeriod time.Duration
	}
}

type descriptor struct {
	Digest    string
	MediaType string
}

// blob reads a blob of an OCI layout.
func blob(t *testing.T, layout, digest string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(layout, "blobs", strings.ReplaceAll(digest, ":", "/")))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// build runs make image's program and returns the OCI layout.
func build(t *testing.T, tool, binary string) string {
	t.Helper()
	out := t.TempDir()
	run(t, "../image", tool, "build", "--version", "v1.2.3", "--commit", "abc", "--created", "1700000000", "--output", out,
		"linux/"+runtime.GOARCH+"="+binary)
	return filepath.Join(out, "image")
}

func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -pgo=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// open returns the configuration of the image in a layout, and its layers.
func open(t *testing.T, layout string) (cfg config, layers [][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(layout, "index.json"))
	require.NoError(t, err)
	var index struct{ Manifests []descriptor }
	require.NoError(t, json.Unmarshal(data, &index))
	require.Len(t, index.Manifests, 1)
	blob(t, layout, index.Manifests[0].Digest, &index)
	require.Len(t, index.Manifests, 1)
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	blob(t, layout, index.Manifests[0].Digest, &manifest)
	require.Equal(t, "application/vnd.oci.image.config.v1+json", manifest.Config.MediaType)
	var file struct{ Config config }
	blob(t, layout, manifest.Config.Digest, &file)
	for _, layer := range manifest.Layers {
		data, err := os.ReadFile(filepath.Join(layout, "blobs", strings.ReplaceAll(layer.Digest, ":", "/")))
		require.NoError(t, err)
		layers = append(layers, data)
	}
	return file.Config, layers
}

// unpack writes the files of a layer to a folder. They belong to root, as the
// archive says.
func unpack(t *testing.T, layer []byte, dir string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(layer))
	require.NoError(t, err)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		require.Equal(t, [2]int{0, 0}, [2]int{h.Uid, h.Gid}, h.Name)
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			require.NoError(t, os.Mkdir(path, 0o700))
		} else {
			data, err := io.ReadAll(r)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, data, 0o600))
		}
		require.NoError(t, os.Chmod(path, h.FileInfo().Mode()))
	}
}

// TestImage builds the image and compares it with deploy/Containerfile. As
// root, it also runs it.
func TestImage(t *testing.T) {
	dir := t.TempDir()
	binary, tool := filepath.Join(dir, "byline"), filepath.Join(dir, "image")
	run(t, "../..", "go", "build", "-o", binary, "./cmd/byline")
	run(t, "../image", "go", "build", "-o", tool, ".")
	layout := build(t, tool, binary)
	cfg, layers := open(t, layout)
	require.Len(t, layers, 2)

	t.Run("Reproducible", func(t *testing.T) {
		_, again := open(t, build(t, tool, binary))
		require.True(t, bytes.Equal(layers[0], again[0]) && bytes.Equal(layers[1], again[1]))
	})
	t.Run("Containerfile", func(t *testing.T) { requireContainerfile(t, cfg) })

	rootfs := t.TempDir()
	for _, layer := range layers {
		unpack(t, layer, rootfs)
	}
	t.Run("Files", func(t *testing.T) {
		written := filepath.Join(t.TempDir(), "rootfs") // as deploy/Containerfile does
		run(t, "../image", tool, "rootfs", binary, written)
		run(t, ".", "diff", "--recursive", rootfs, written)
		for path, mode := range map[string]os.FileMode{
			"byline": 0o755, "LICENSE": 0o644, "etc/passwd": 0o644, "etc/ssl/certs/ca-certificates.crt": 0o644,
			"usr/share/zoneinfo/Europe/Berlin": 0o644, "tmp": 0o777 | os.ModeDir | os.ModeSticky,
		} {
			for _, root := range []string{rootfs, written} {
				info, err := os.Stat(filepath.Join(root, path))
				require.NoError(t, err)
				require.Equal(t, mode, info.Mode(), path)
			}
		}
	})
	t.Run("Run", func(t *testing.T) { requireRuns(t, rootfs, cfg) })
}

// requireContainerfile checks that the last stage of deploy/Containerfile makes
// the same configuration.
func requireContainerfile(t *testing.T, cfg config) {
	text, err := os.ReadFile("../Containerfile")
	require.NoError(t, err)
	_, last, ok := strings.Cut(strings.ReplaceAll(string(text), "\\\n", " "), "\nFROM scratch\n")
	require.True(t, ok)
	var want config
	want.ExposedPorts, want.Labels = map[string]struct{}{}, map[string]string{}
	for line := range strings.Lines(last) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		list := func(s string) (items []string) {
			require.NoError(t, json.Unmarshal([]byte(s), &items))
			return items
		}
		switch name {
		case "USER":
			want.User = value
		case "ENV":
			want.Env = append(want.Env, strings.Fields(value)...)
		case "EXPOSE":
			for _, port := range strings.Fields(value) {
				want.ExposedPorts[port+"/tcp"] = struct{}{}
			}
		case "LABEL":
			for _, m := range regexp.MustCompile(`(\S+)="([^"]*)"`).FindAllStringSubmatch(value, -1) {
				want.Labels[m[1]] = strings.NewReplacer("$VERSION", "v1.2.3", "$COMMIT", "abc").Replace(m[2])
			}
		case "HEALTHCHECK":
			m := regexp.MustCompile(`^--interval=(\S+) --timeout=(\S+) --start-period=(\S+) CMD (.*)$`).FindStringSubmatch(value)
			require.NotNil(t, m, value)
			for i, to := range []*time.Duration{&want.Healthcheck.Interval, &want.Healthcheck.Timeout, &want.Healthcheck.StartPeriod} {
				*to, err = time.ParseDuration(m[i+1])
				require.NoError(t, err)
			}
			want.Healthcheck.Test = append([]string{"CMD"}, list(m[4])...)
		case "ENTRYPOINT":
			want.Entrypoint = list(value)
		case "CMD":
			want.Cmd = list(value)
		case "COPY":
			require.Equal(t, "--from=build /rootfs /", value)
		case "", "#", "ARG":
		default:
			if !strings.HasPrefix(name, "#") {
				require.Fail(t, "the test does not know this instruction", line)
			}
		}
	}
	require.Equal(t, want, cfg)
}

// get returns the status of a URL, or 0.
func get(url string) int {
	c := &http.Client{Timeout: 10 * time.Second}
	res, err := c.Get(url)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
