package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// A file is a file or a folder of the image; a folder ends in a slash. All
// belong to root.
type file struct {
	path string
	mode os.FileMode
	data []byte
}

// programFiles returns the files that a new version changes.
func programFiles(binary string) ([]file, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	license, err := os.ReadFile("../../LICENSE")
	if err != nil {
		return nil, err
	}
	return []file{{"LICENSE", 0o644, license}, {"byline", 0o755, data}}, nil
}

// baseFiles returns what a static binary needs besides: an unprivileged user,
// certificates and time zones.
func baseFiles(string) ([]file, error) {
	zones, err := zoneFiles()
	if err != nil {
		return nil, err
	}
	return append([]file{
		{"etc/", 0o755, nil},
		{"etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")},
		{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{"etc/ssl/", 0o755, nil},
		{"etc/ssl/certs/", 0o755, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, certificates()},
		{"tmp/", 0o777 | os.ModeSticky, nil},
		{"usr/", 0o755, nil},
		{"usr/share/", 0o755, nil},
		{"usr/share/zoneinfo/", 0o755, nil},
	}, zones...), nil
}

// certificates returns Mozilla's root certificates, of the version that go.mod
// names. It leaves out those with a condition, which a file cannot express:
// they are the ones that browsers are about to distrust.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return out.Bytes()
}

// zoneFiles returns the time zones that come with Go.
func zoneFiles() ([]file, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	var files []file
	folders := map[string]bool{"usr/share/zoneinfo/": true}
	for _, f := range archive.File { // sorted, and without folders
		path := "usr/share/zoneinfo/" + f.Name
		for i, c := range path {
			if folder := path[:i+1]; c == '/' && strings.HasPrefix(folder, "usr/share/zoneinfo/") && !folders[folder] {
				folders[folder] = true
				files = append(files, file{folder, 0o755, nil})
			}
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files = append(files, file{path, 0o644, data})
	}
	return files, nil
}

// opener returns a function that opens the files as an archive.
func opener(files []file) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, f := range files {
			h := &tar.Header{Name: f.path, Typeflag: tar.TypeReg, Mode: int64(f.mode.Perm()), Size: int64(len(f.data)), Format: tar.FormatPAX}
			if strings.HasSuffix(f.path, "/") {
				h.Typeflag = tar.TypeDir
			}
			if f.mode&os.ModeSticky != 0 {
				h.Mode |= 0o1000
			}
			if err := w.WriteHeader(h); err != nil {
				return nil, err
			}
			if _, err := w.Write(f.data); err != nil {
				return nil, err
			}
		}
		return io.NopCloser(&out), w.Close()
	}
}

// writeFolder writes the files to a folder.
func writeFolder(dir string, files []file) error {
	for _, f := range files {
		path := filepath.Join(dir, f.path)
		if strings.HasSuffix(f.path, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return err
			}
		} else if err := os.WriteFile(path, f.data, 0o600); err != nil {
			return err
		}
		// The umask does not apply.
		if err := os.Chmod(path, f.mode); err != nil {
			return err
		}
	}
	return nil
}
