package strangle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// changer is what has changed the modes.
type changer int

const (
	byFile changer = iota
	byAPI
	byPage
	byRollback
	changers
)

func (c changer) String() string {
	return [...]string{"file", "admin API", "admin page", "rollback"}[c]
}

// errNotSaved says that a change counts, but is not in the file.
var errNotSaved = errors.New("the modes were changed, but could not be saved")

// change replaces the settings. edit returns the new ones, or an error.
func (p *Proxy) change(by changer, edit func(Settings) (Settings, error)) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	return p.replace(by, edit)
}

// replace is change for who holds p.changing.
func (p *Proxy) replace(by changer, edit func(Settings) (Settings, error)) error {
	before := p.table.Load()
	settings, err := edit(before.settings.clone())
	if err != nil {
		return err
	}
	after, err := newTable(settings, p.operations)
	if err != nil {
		return err
	}
	p.table.Store(after)
	close(before.replaced) // requests that wait look again
	p.changes[by].Add(1)
	p.log.Info("the modes were changed", "by", by.String(), "changes", difference(before.settings.Modes, after.settings.Modes))
	if by == byFile || p.file == nil || !p.cfg.SaveChanges {
		return nil
	}
	if err := p.file.save(after.settings.Modes); err != nil {
		p.log.Error("the modes could not be saved", "file", p.file.path, "error", err)
		return fmt.Errorf("%w: %w", errNotSaved, err)
	}
	return nil
}

// difference lists what differs, for the log.
func difference(before, after Modes) (changes []string) {
	all := maps.Clone(before)
	if all == nil {
		all = Modes{}
	}
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		from, wasSet := before[name]
		to, isSet := after[name]
		switch {
		case !wasSet:
			changes = append(changes, fmt.Sprintf("%s: %s", name, to))
		case !isSet:
			changes = append(changes, fmt.Sprintf("%s: was %s, not set", name, from))
		case from != to:
			changes = append(changes, fmt.Sprintf("%s: was %s, %s", name, from, to))
		}
	}
	return changes
}

// SetModes replaces all modes.
func (p *Proxy) SetModes(modes Modes) error {
	return p.change(byAPI, func(s Settings) (Settings, error) {
		s.Modes = modes
		return s, nil
	})
}

// Rollback lets the old system answer everything, at once.
func (p *Proxy) Rollback() error {
	return p.change(byRollback, func(s Settings) (Settings, error) {
		s.Modes = Modes{allOthers: "old"}
		return s, nil
	})
}

// Drained waits until the old system has finished the writes that it works on.
// It reports whether there are none anymore. If the modes let it get new ones,
// it does not wait, and names their operations.
func (p *Proxy) Drained(ctx context.Context) (oldWriters []string, drained bool) {
	t := p.table.Load()
	for _, op := range p.operations {
		if mode := t.modes[op.index]; !op.safe && mode.kind != toNew && mode.kind != waitsFor {
			oldWriters = append(oldWriters, op.id)
		}
	}
	if len(oldWriters) > 0 {
		return oldWriters, false
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.writing.Load() > 0 {
		select {
		case <-ctx.Done():
			return nil, false
		case <-tick.C:
		}
	}
	return nil, true
}
