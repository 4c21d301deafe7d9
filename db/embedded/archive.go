//go:build unix

package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	// maxArchive is twice the largest archive published (71 MB, macOS).
	maxArchive = 150 << 20
	// maxDownload bounds the time; 33 MB in it are 55 kB/s.
	maxDownload = 10 * time.Minute
)

// source is where a PostgreSQL can be downloaded, and what it must be.
type source struct {
	base     string // of a Maven repository
	version  string
	archives map[string]archive // by GOOS/GOARCH
	log      *slog.Logger
}

type archive struct{ platform, sha256 string }

// mavenCentral has the binaries that fergusstrange/embedded-postgres and zonky
// use. The digests equal the .sha256 and .sha1 published beside each jar. 18.6.0
// was passed over: its arm64 jars had neither digests nor signatures.
var mavenCentral = source{
	base:    "https://repo1.maven.org/maven2",
	version: "18.4.0",
	archives: map[string]archive{
		"linux/amd64":  {"linux-amd64", "401d4e69baba9072d3772607710df0d47b39a7632c6b01b2a5f5d85a9514e212"},
		"linux/arm64":  {"linux-arm64v8", "a9ec284923b9a7d2db41509bfb88c3d0eeb9f4aa5e2b29ea0aac5e8dbaf4c335"},
		"darwin/amd64": {"darwin-amd64", "68381ed1488edd337345c6c4bc6ae0c823832a4dd7af8b04656ee5c218c291b5"},
		"darwin/arm64": {"darwin-arm64v8", "ab698c4486a795d2aa8a158b3a41e1201a77e7ff72a6255094cd5900080853c2"},
	},
}

func (s *source) major() int {
	major, _, _ := strings.Cut(s.version, ".")
	n, _ := strconv.Atoi(major)
	return n
}

// install returns the bin folder of this source's PostgreSQL in cache, having
// downloaded and unpacked it if need be. check tells whether what is there runs.
// Any number of processes may do it at once: everything is made aside and put
// into place by a rename.
func (s *source) install(ctx context.Context, cache string, check func(binDir string) error) (string, error) {
	a, ok := s.archives[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("there is no archive for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	if err := needsGlibc(); err != nil {
		return "", err
	}
	name := "embedded-postgres-binaries-" + a.platform + "-" + s.version
	target := filepath.Join(cache, "postgres-"+s.version+"-"+a.platform)
	binDir := filepath.Join(target, "bin")
	if check(binDir) == nil {
		return binDir, nil
	}
	sweep(cache)

	jar := filepath.Join(cache, name+".jar")
	if sum, err := fileDigest(jar); err != nil || sum != a.sha256 {
		url := fmt.Sprintf("%s/io/zonky/test/postgres/embedded-postgres-binaries-%s/%s/%s.jar",
			s.base, a.platform, s.version, name)
		if err := s.fetch(ctx, url, jar, a.sha256); err != nil {
			return "", err
		}
	}

	aside, err := os.MkdirTemp(cache, asidePrefix)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(aside)
	if err := unpack(ctx, jar, aside); err != nil {
		return "", fmt.Errorf("unpack %s: %w", jar, err)
	}
	if err := check(filepath.Join(aside, "bin")); err != nil {
		return "", err
	}
	if err := os.Rename(aside, target); err != nil {
		if check(binDir) == nil {
			return binDir, nil // another process was faster
		}
		// What is there does not run: a crash of the machine cut it short.
		if err := os.RemoveAll(target); err != nil {
			return "", err
		}
		if err := os.Rename(aside, target); err != nil {
			return "", err
		}
	}
	return binDir, nil
}

// fetch downloads url to path, which appears only when the digest is right.
func (s *source) fetch(ctx context.Context, url, path, digest string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, maxDownload)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	if res.ContentLength > maxArchive {
		return fmt.Errorf("GET %s: %d bytes are more than the %d allowed", url, res.ContentLength, maxArchive)
	}
	s.log.Info("embedded: no PostgreSQL found, downloading one",
		"version", s.version, "url", url, "bytes", res.ContentLength, "to", path)

	file, err := os.CreateTemp(filepath.Dir(path), asidePrefix)
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close()
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, hash), io.LimitReader(res.Body, maxArchive+1))
	switch {
	case err != nil:
		return fmt.Errorf("GET %s: %w", url, err)
	case n > maxArchive:
		return fmt.Errorf("GET %s: more than the %d bytes allowed", url, maxArchive)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != digest {
		return fmt.Errorf("GET %s: the digest is wrong: sha256 %s instead of %s", url, sum, digest)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func fileDigest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// asidePrefix marks what is not finished yet.
const asidePrefix = ".unfinished-"

// sweep removes what a killed process left behind; an hour is more than any
// download that is still going on.
func sweep(cache string) {
	left, _ := filepath.Glob(filepath.Join(cache, asidePrefix+"*"))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(path)
		}
	}
}

// needsGlibc refuses systems on musl (Alpine) before 15 MB are fetched for
// nothing.
func needsGlibc() error {
	if runtime.GOOS != "linux" {
		return nil
	}
	for _, loader := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"} {
		if _, err := os.Stat(loader); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return errors.New("the archive needs glibc, which this system lacks (on Alpine: apk add postgresql)")
}
