package strangle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// followPause is how often the configuration file is read. It is short, so that
// its content is compared: an editor may leave the time of a file as it was.
const followPause = time.Second

// File is a configuration file, which is read again when it changes.
type File struct {
	path  string
	flags func(*Config) // sets what flags say, which precede the file
	pause time.Duration

	mu      sync.Mutex
	seen    []byte // what was applied, or found to be wrong
	next    []byte // what was read last, if it is something else
	modes   Modes  // of the content that was applied or saved last; guarded by Proxy.changing
	missing bool
}

// Load reads a configuration file. flags sets what precedes the file. Without a
// path there is no file.
func Load(path string, flags func(*Config)) (Config, *File, error) {
	cfg := DefaultConfig()
	if path == "" {
		flags(&cfg)
		return cfg, nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, nil, fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	if cfg, err = ParseConfig(text); err != nil {
		return Config{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	flags(&cfg)
	return cfg, &File{path: path, flags: flags, pause: followPause, seen: text, modes: cfg.Modes}, nil
}

// follow reads the file again and again until ctx ends.
func (p *Proxy) follow(ctx context.Context) {
	tick := time.NewTicker(p.file.pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := p.reload(); err != nil {
				p.log.Error("the configuration file was not applied; everything stays as it was", "file", p.file.path, "error", err)
			}
		}
	}
}

// reload applies the file if it has changed. It returns the error of each
// content once. The modes count only if they have changed in the file: somebody
// who edits another setting does not mean to take back what operators have set.
func (p *Proxy) reload() error {
	// An operator's change in between would be taken back by an older content.
	p.changing.Lock()
	defer p.changing.Unlock()
	text, isNew, err := p.file.read()
	if err != nil || !isNew {
		return err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("the file is empty")
	}
	cfg, err := parseConfig(text)
	if err != nil {
		return err
	}
	p.file.flags(&cfg)
	if err := cfg.Check(); err != nil {
		return err
	}
	if !cfg.sameStart(&p.cfg) {
		p.log.Warn("a part of the change needs a restart: only modes, stickAfterWrite, writesFallBack, shadowWrites and compare were applied", "file", p.file.path)
	}
	modes := cfg.Modes
	err = p.replace(byFile, func(current Settings) (Settings, error) {
		if len(modes) == 0 || maps.Equal(modes, p.file.modes) {
			cfg.Settings.Modes = current.Modes
		}
		return cfg.Settings, nil
	})
	if err == nil && len(modes) > 0 {
		p.file.modes = modes
	}
	return err
}

// read returns the content, and whether it has changed. A content counts when it
// was read twice, because it may be half written at the first time. A file that
// cannot be read is reported once.
func (f *File) read() (text []byte, isNew bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err = os.ReadFile(f.path)
	reported := f.missing
	if f.missing = err != nil; f.missing && reported {
		return nil, false, nil
	}
	if err != nil || bytes.Equal(text, f.seen) {
		f.next = nil
		return nil, false, err
	}
	if f.next == nil || !bytes.Equal(text, f.next) {
		f.next = text
		return nil, false, nil
	}
	f.seen, f.next = text, nil
	return text, true, nil
}

// save replaces the modes in the file, and keeps everything else with its
// comments.
func (f *File) save(modes Modes) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	after, err := withModes(before, modes)
	if err != nil {
		return err
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // it fails after the renaming
	_, err = temporary.Write(after)
	if err == nil {
		err = temporary.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary.Name(), f.path)
	}
	if err == nil {
		f.modes = maps.Clone(modes)
		// What else has changed in the file since then is applied when it is read.
		if bytes.Equal(before, f.seen) {
			f.seen = after
		}
	}
	return err
}

// withModes returns a configuration file with other modes.
func withModes(text []byte, modes Modes) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	var value yaml.Node
	if err := value.Encode(modes); err != nil {
		return nil, err
	}
	if doc.IsZero() || doc.Content[0].Kind != yaml.MappingNode {
		return yaml.Marshal(map[string]Modes{"modes": modes})
	}
	top := doc.Content[0]
	at := 0
	for at < len(top.Content) && top.Content[at].Value != "modes" {
		at += 2
	}
	if at < len(top.Content) {
		top.Content[at+1] = &value
	} else {
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "modes"}, &value)
	}
	var out strings.Builder
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err := e.Encode(&doc)
	return []byte(out.String()), err
}
