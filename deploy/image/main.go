// Command image assembles the container image without a container engine.
//
//	image rootfs BINARY FOLDER
//	    writes the files of the image, for deploy/Containerfile
//	image build --version V --commit C --created SECONDS --output FOLDER PLATFORM=BINARY…
//	    writes an OCI layout with an image for each platform, such as
//	    linux/amd64, and an archive of each for `docker load`
//
// The same binaries give the same bytes, on any machine with the same version
// of Go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "rootfs":
		for _, layer := range []func(string) ([]file, error){baseFiles, programFiles} {
			files, err := layer(args[1])
			if err != nil {
				return err
			}
			if err := writeFolder(args[2], files); err != nil {
				return err
			}
		}
		return nil
	case len(args) > 0 && args[0] == "build":
		return build(args[1:])
	default:
		return errors.New("usage: image rootfs BINARY FOLDER | image build … PLATFORM=BINARY…")
	}
}

func build(args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	version := flags.String("version", "dev", "version of the binary")
	commit := flags.String("commit", "unknown", "commit of the binary")
	created := flags.Int64("created", 0, "time of the commit, in seconds since 1970")
	output := flags.String("output", "", "folder to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tag, err := name.NewTag("byline:" + *version)
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arg := range flags.Args() {
		platform, binary, ok := strings.Cut(arg, "=")
		system, architecture, ok2 := strings.Cut(platform, "/")
		if !ok || !ok2 {
			return fmt.Errorf("%q is not PLATFORM=BINARY", arg)
		}
		img, err := assemble(binary, v1.ConfigFile{
			OS: system, Architecture: architecture, Created: v1.Time{Time: time.Unix(*created, 0).UTC()},
			Config: config(*version, *commit),
		})
		if err != nil {
			return err
		}
		archive := filepath.Join(*output, fmt.Sprintf("byline-image-%s-%s.tar", system, architecture))
		if err := os.MkdirAll(*output, 0o755); err != nil {
			return err
		}
		if err := tarball.WriteToFile(archive, tag, img); err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: system, Architecture: architecture},
		}})
	}
	// The layout has one entry, the image of all platforms, so that tools find
	// it by its tag.
	path, err := layout.Write(filepath.Join(*output, "image"), empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": *version}))
}

// assemble returns an image with two layers. A new version changes only the
// second one.
func assemble(binary string, cfg v1.ConfigFile) (v1.Image, error) {
	img, err := mutate.ConfigFile(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), &cfg)
	if err != nil {
		return nil, err
	}
	for _, files := range []func(string) ([]file, error){baseFiles, programFiles} {
		content, err := files(binary)
		if err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromOpener(opener(content), tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, err
		}
		img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: cfg.Created, CreatedBy: "deploy/image"}})
		if err != nil {
			return nil, err
		}
	}
	return img, nil
}

// config is the configuration of the image. deploy/Containerfile has the same,
// and says why.
func config(version, commit string) v1.Config {
	return v1.Config{
		User:         "65532:65532",
		Env:          []string{"BYLINE_ADDR=0.0.0.0:8080", "BYLINE_ADMIN_ADDR=0.0.0.0:9090", "BYLINE_LOG_FORMAT=json", "BYLINE_DATA_DIR=/DATABASE_URL_is_not_set"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9090/tcp": {}},
		Healthcheck:  &v1.HealthConfig{Test: []string{"CMD", "/byline", "healthcheck"}, Interval: 5 * time.Second, Timeout: 4 * time.Second, StartPeriod: time.Minute},
		Entrypoint:   []string{"/byline"},
		Cmd:          []string{"serve"},
		Labels: map[string]string{
			"org.opencontainers.image.title":         "Byline",
			"org.opencontainers.image.description":   "A headless publishing API",
			"org.opencontainers.image.source":        "https://github.com/byline-api/byline",
			"org.opencontainers.image.documentation": "https://github.com/byline-api/byline/blob/main/docs/deploying.md",
			"org.opencontainers.image.licenses":      "Apache-2.0",
			"org.opencontainers.image.version":       version,
			"org.opencontainers.image.revision":      commit,
		},
	}
}
