//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// block is a block of commands of the page. A comment before it says at which
// moment it is run, and where:
//
//	<!-- lab: leader back on hit -->
type block struct {
	moment, place string
	code          string
	line          int
	runs          int
}

type page []*block

var (
	label  = regexp.MustCompile(`^<!-- lab: (.+) on (\w+) -->$`)
	exempt = regexp.MustCompile(`^<!-- not run: .+ -->$`)
)

// readPage returns the blocks in sh. Each one has a label, or a reason for not
// being run.
func readPage(path string) (p page, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var (
		next   *block
		skip   bool
		inside bool
	)
	for i, line := range strings.Split(string(text), "\n") {
		switch m := label.FindStringSubmatch(line); {
		case inside && line == "```":
			inside = false
			if next != nil {
				p = append(p, next)
			}
			next, skip = nil, false
		case inside:
			if next != nil {
				next.code += line + "\n"
			}
		case m != nil:
			next = &block{moment: m[1], place: m[2], line: i + 1}
		case exempt.MatchString(line):
			skip = true
		case line == "```sh" && next == nil && !skip:
			return nil, fmt.Errorf("%s:%d: write <!-- lab: MOMENT on PLACE --> or <!-- not run: reason --> before the block", path, i+1)
		case strings.HasPrefix(line, "```"):
			inside = true
		}
	}
	return p, nil
}

// unrun returns the blocks that were never run.
func (p page) unrun() (lines []string) {
	for _, b := range p {
		if b.runs == 0 {
			lines = append(lines, fmt.Sprintf("line %d (%s on %s)", b.line, b.moment, b.place))
		}
	}
	return lines
}

// do runs the blocks of a moment. where gives the machines of places that
// depend on the moment.
func (l *lab) do(ctx context.Context, moment string, where map[string]*machine) error {
	ran := false
	for _, b := range l.page {
		if b.moment != moment {
			continue
		}
		machines, err := l.places(ctx, b.place, where)
		if err != nil {
			return fmt.Errorf("line %d of the page: %w", b.line, err)
		}
		for _, m := range machines {
			limited, cancel := context.WithTimeout(ctx, patience)
			_, err := m.sh(limited, shell+b.code)
			cancel()
			if err != nil {
				return fmt.Errorf("line %d of the page, %s: %w", b.line, moment, err)
			}
		}
		b.runs++
		ran = true
	}
	if !ran {
		return fmt.Errorf("the page has no commands for %q", moment)
	}
	return nil
}

// shell is how a shell for the commands begins.
const shell = "if [ -e /etc/byline/runbook.env ]; then . /etc/byline/runbook.env; fi\n"

// places returns the machines that a place means.
func (l *lab) places(ctx context.Context, place string, where map[string]*machine) ([]*machine, error) {
	if m := where[place]; m != nil {
		return []*machine{m}, nil
	}
	switch place {
	case "each":
		return l.machines, nil
	case "first":
		return l.machines[:1], nil
	case "replicas":
		return l.machines[:replicas], nil
	case "leader", "standby":
		leader, err := l.leader(ctx)
		if err != nil || place == "leader" {
			return []*machine{leader}, err
		}
		return []*machine{l.others(leader)[0]}, nil
	}
	return nil, fmt.Errorf("the lab does not know the place %q here", place)
}

// leader waits for the leader.
func (l *lab) leader(ctx context.Context) (*machine, error) { return l.leaderBut(ctx, nil) }

// leaderBut waits for a leader that is another machine.
func (l *lab) leaderBut(ctx context.Context, not *machine) (leader *machine, err error) {
	err = await(ctx, "a leader", func() bool {
		for _, m := range l.machines {
			if m != not && isPrimary(ctx, m.addr) {
				leader = m
				return true
			}
		}
		return false
	})
	return leader, err
}

func isPrimary(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return get(ctx, "http://"+addr+":8008/primary") == 200
}

func (l *lab) others(m *machine) (others []*machine) {
	for _, o := range l.machines {
		if o != m {
			others = append(others, o)
		}
	}
	return others
}
