//go:build unix

package embedded

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ulikunitz/xz"
)

// Limits of one archive. The largest archive so far has 148 MB in 1071 entries.
const (
	maxUnpacked = 1 << 30
	maxEntries  = 20_000
)

// unpack extracts the .txz inside a jar to dir. All files become readable for
// everyone, because PostgreSQL may run as another user.
func unpack(ctx context.Context, jar, dir string) error {
	zr, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer zr.Close()
	for _, entry := range zr.File {
		if !strings.HasSuffix(entry.Name, ".txz") {
			continue
		}
		file, err := entry.Open()
		if err != nil {
			return err
		}
		defer file.Close()
		compressed, err := xz.NewReader(file)
		if err != nil {
			return err
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer root.Close()
		if err := untar(ctx, tar.NewReader(compressed), root); err != nil {
			return err
		}
		// The umask has reduced the modes of the folders.
		return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			return root.Chmod(name, 0o755)
		})
	}
	return errors.New("no .txz inside")
}

// untar writes the entries below root. os.Root ensures that each file is
// written inside root, even if the archive contains links. The names and
// targets of links are checked as well, because PostgreSQL follows the links
// without such a check.
func untar(ctx context.Context, tr *tar.Reader, root *os.Root) error {
	left := int64(maxUnpacked)
	for entries := 0; ; entries++ {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Clean(header.Name)
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the entry %q points outside of the archive", header.Name)
		}
		if left -= header.Size; left < 0 || entries == maxEntries {
			return errors.New("the archive is too large")
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		switch header.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			mode := fs.FileMode(0o644)
			if header.Mode&0o111 != 0 {
				mode = 0o755
			}
			err = writeFile(root, name, mode, tr)
		case tar.TypeSymlink:
			// A link may only point downwards: with "..", a chain of links that
			// are harmless one by one can lead out of the folder.
			if target := header.Linkname; !filepath.IsLocal(target) || path.Clean(target) != target {
				return fmt.Errorf("the link %q to %q points outside of the archive", header.Name, header.Linkname)
			}
			err = root.Symlink(header.Linkname, name)
		default:
			return fmt.Errorf("the entry %q has the unsupported type %q", header.Name, header.Typeflag)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(mode), file.Close())
}
