package strangle

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/byline-api/byline/server/strangle/compare"
)

// kind is where the requests of an operation go.
type kind uint8

const (
	toOld kind = iota
	toNew
	toBoth   // answered by old, and asked of new too
	toSome   // new for a share of the users, and old for the others
	waitsFor // until the mode changes
)

// Mode says which system answers an operation. The zero value is old.
type Mode struct {
	kind  kind
	share uint16 // of toSome, in hundredths of a percent
}

// The modes as texts, besides shares.
const (
	oldText    = "old"
	newText    = "new"
	shadowText = "shadow"
	heldText   = "hold"
)

// whole is the share of all users.
const whole = 100_00

// ParseMode parses old, new, shadow, hold, or a percentage such as 12.5%.
func ParseMode(text string) (Mode, error) {
	switch text {
	case oldText:
		return Mode{kind: toOld}, nil
	case newText:
		return Mode{kind: toNew}, nil
	case shadowText:
		return Mode{kind: toBoth}, nil
	case heldText:
		return Mode{kind: waitsFor}, nil
	}
	number, isShare := strings.CutSuffix(text, "%")
	percent, err := strconv.ParseFloat(number, 64)
	if !isShare || err != nil || !(percent >= 0 && percent <= 100) || strings.ContainsAny(number, "eExX_+-") {
		return Mode{}, fmt.Errorf("%q is no mode: it must be old, new, shadow, hold or a percentage such as 10%%", text)
	}
	return Mode{kind: toSome, share: uint16(math.Round(percent * 100))}, nil
}

func (m Mode) String() string {
	switch m.kind {
	case toOld:
		return oldText
	case toNew:
		return newText
	case toBoth:
		return shadowText
	case waitsFor:
		return heldText
	}
	return strconv.FormatFloat(float64(m.share)/100, 'f', -1, 64) + "%"
}

// includes reports whether a user is among those whom new answers. The place of
// a user does not depend on the share, so that whoever is in at 10 % is in at
// 50 %.
func (m Mode) includes(user uint64) bool { return user%whole < uint64(m.share) }

// The names of groups of operations in the modes.
const (
	allOthers = "default"
	allReads  = "reads"
	allWrites = "writes"
)

// Modes are modes by the name of an operation, a tag, reads, writes or default.
// The most precise one counts, but for two rules that keep writes from being
// lost. If writes are held as a group, no more precise mode lets some through.
// And a share or a comparison that is set for a tag or as the default is one of
// reads: the writes of some users alone would be in the new system, and nothing
// copies them back.
type Modes map[string]string

// of returns the mode of an operation, and the name that decided it. shadowed
// says that a rule permits to ask the new system for this write too.
func (m Modes) of(op *operation, shadowed bool) (text, name string) {
	names := []string{op.id, op.tag, allReads, allOthers}
	if !op.safe {
		if name, held := m.holdsWrites(); held {
			return heldText, name
		}
		names[2] = allWrites
	}
	for _, name := range names {
		text, found := m[name]
		// What a tag or the default says of a part of the requests.
		partly := (name == op.tag || name == allOthers) && (strings.HasSuffix(text, "%") || text == shadowText && !shadowed)
		if found && (op.safe || !partly) {
			return text, name
		}
	}
	return oldText, allOthers
}

// holdsWrites reports whether writes wait as a group, and the name that says so.
func (m Modes) holdsWrites() (name string, held bool) {
	name = allWrites
	if _, found := m[name]; !found {
		name = allOthers
	}
	return name, m[name] == heldText
}

// table is what the proxy does with every operation, until it is replaced.
type table struct {
	settings Settings
	modes    []Mode           // by the index of the operation; the last one is of other requests
	by       []string         // the names that decided the modes of operations
	shadowed []bool           // writes that may be asked of new too
	rules    []*compare.Rules // for the comparison
	stick    time.Duration
	replaced chan struct{} // closed when another table counts
}

// newTable checks settings against the operations of the document. The error
// lists everything that is wrong.
func newTable(s Settings, operations []*operation) (*table, error) {
	t := &table{
		settings: s.clone(), stick: s.StickAfterWrite, replaced: make(chan struct{}),
		modes: make([]Mode, len(operations)+1), by: make([]string, len(operations)), shadowed: make([]bool, len(operations)), rules: make([]*compare.Rules, len(operations)),
	}
	wrong := []error{s.checkNames(operations)}
	if s.StickAfterWrite < 0 {
		wrong = append(wrong, errors.New("stickAfterWrite must be 0s or longer"))
	}
	for _, rule := range s.ShadowWrites {
		i, err := rule.find(operations)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("shadowWrites: %w", err))
			continue
		}
		t.shadowed[i] = true
	}
	rules, oldWrites := s.Compare.rules(), false
	for i, op := range operations {
		text, name := s.Modes.of(op, t.shadowed[i])
		mode, err := ParseMode(text)
		if err == nil && mode.kind == toBoth && !op.safe && !t.shadowed[i] {
			err = errors.New("a write is shadowed only if shadowWrites has a rule for its operation")
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("modes: %s: %w", name, err))
		}
		t.modes[i], t.by[i], t.rules[i] = mode, name, rules
		oldWrites = oldWrites || !op.safe && mode.kind != toNew
		if more := s.Compare.IgnoreFor[op.id]; len(more) > 0 {
			own := *rules
			own.Ignore = slices.Concat(rules.Ignore, more)
			t.rules[i] = &own
		}
	}
	if _, held := s.Modes.holdsWrites(); held {
		t.modes[len(operations)] = Mode{kind: waitsFor} // of writes that the document does not have
	}
	if !oldWrites {
		t.stick = 0 // the last import is done, so that the new system has every write
	}
	return t, join(wrong)
}

// find returns the index of the operation of a rule, if it may be shadowed.
func (w ShadowWrite) find(operations []*operation) (int, error) {
	i := slices.IndexFunc(operations, func(op *operation) bool { return op.id == w.Operation })
	switch {
	case i < 0:
		return 0, fmt.Errorf("%q is no operation of the document", w.Operation)
	case operations[i].safe:
		return 0, fmt.Errorf("%s only reads, so that it needs no rule", w.Operation)
	case !w.IdempotencyKey || !operations[i].idempotent:
		return 0, fmt.Errorf("%s needs idempotencyKey: true, and must be an operation that takes one", w.Operation)
	}
	return i, nil
}

// join joins errors, each of them once.
func join(all []error) error {
	var once []error
	seen := map[string]bool{}
	for _, err := range all {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			once = append(once, err)
		}
	}
	return errors.Join(once...)
}

// checkNames checks that the document has what the settings name.
func (s Settings) checkNames(operations []*operation) error {
	known, ids := map[string]bool{allOthers: true, allReads: true, allWrites: true}, map[string]bool{}
	for _, op := range operations {
		known[op.id], known[op.tag], ids[op.id] = true, true, true
	}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(s.Modes)) {
		if !known[name] {
			wrong = append(wrong, fmt.Errorf("modes: %q is no operation or tag of the document, and none of reads, writes, default", name))
		} else if _, err := ParseMode(s.Modes[name]); err != nil {
			wrong = append(wrong, fmt.Errorf("modes: %s: %w", name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Compare.IgnoreFor)) {
		if !ids[name] {
			wrong = append(wrong, fmt.Errorf("compare: ignoreFor: %q is no operation of the document", name))
		}
	}
	return errors.Join(wrong...)
}
