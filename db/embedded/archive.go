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
	// maxArchive is twice the size of the largest published archive (71 MB,
	// macOS).
	maxArchive = 150 << 20
	// maxDownload limits the time of a download. An archive of 33 MB needs 55
	// kB/s to finish in time.
	maxDownload = 10 * time.Minute
)

// source describes where PostgreSQL can be downloaded, and the digests that the
// archives must have.
type source struct {
	base     string // URL of a Maven repository
	version  string
	archives map[string]archive // by GOOS/GOARCH
	log      *slog.Logger
}

type archive struct{ platform, sha256 string }

// mavenCentral has the binaries that fergusstrange/embedded-postgres and zonky
// use. The digests equal the .sha256 and .sha1 files published beside each jar.
// Version 18.6.0 is not used because its arm64 jars had neither digests nor
// signatures.
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

// install downloads and unpacks PostgreSQL into the cache folder, unless that
// has been done before, and returns its bin folder. check returns an error if
// the binaries in a folder do not run. Several processes may install at the
// same time, because each one unpacks into a temporary folder and renames it at
// the end.
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
	removeUnfinished(cache)

	jar := filepath.Join(cache, name+".jar")
	if sum, err := fileDigest(jar); err != nil || sum != a.sha256 {
		url := fmt.Sprintf("%s/io/zonky/test/postgres/embedded-postgres-binaries-%s/%s/%s.jar",
			s.base, a.platform, s.version, name)
		if err := s.fetch(ctx, url, jar, a.sha256); err != nil {
			return "", err
		}
	}

	temp, err := os.MkdirTemp(cache, unfinishedPrefix)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := unpack(ctx, jar, temp); err != nil {
		return "", fmt.Errorf("unpack %s: %w", jar, err)
	}
	if err := check(filepath.Join(temp, "bin")); err != nil {
		return "", err
	}
	if err := os.Rename(temp, target); err != nil {
		if check(binDir) == nil {
			return binDir, nil // another process installed it first
		}
		// The existing folder does not work, for example because the machine
		// crashed while its files were written.
		if err := os.RemoveAll(target); err != nil {
			return "", err
		}
		if err := os.Rename(temp, target); err != nil {
			return "", err
		}
	}
	return binDir, nil
}

// fetch downloads url to path. The file is created only if the digest is right.
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
		return fmt.Errorf("GET %s: the archive has %d bytes, which is more than the maximum of %d", url, res.ContentLength, maxArchive)
	}
	s.log.Info("embedded: downloading PostgreSQL",
		"version", s.version, "url", url, "bytes", res.ContentLength, "to", path)

	file, err := os.CreateTemp(filepath.Dir(path), unfinishedPrefix)
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
		return fmt.Errorf("GET %s: the archive has more than the maximum of %d bytes", url, maxArchive)
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

// unfinishedPrefix starts the names of files and folders that are not complete
// yet.
const unfinishedPrefix = ".unfinished-"

// removeUnfinished removes the files that killed processes left. Files younger
// than an hour may belong to a download that is still running.
func removeUnfinished(cache string) {
	left, _ := filepath.Glob(filepath.Join(cache, unfinishedPrefix+"*"))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(path)
		}
	}
}

// needsGlibc returns an error on systems that use musl (Alpine), so that 15 MB
// are not downloaded for nothing.
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
