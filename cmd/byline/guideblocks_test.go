//go:build unix

package main

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// block is a block of code of a guide.
type block struct {
	where    string // file and line
	language string
	code     string
	section  int  // the number of headings before it
	exempt   bool // it is not run
}

// clients are the languages in which a guide shows a call. Blocks in them that
// follow one another at once are the tabs of one step.
var clients = []string{"sh", "ts", "python", "go"}

var (
	fence   = regexp.MustCompile("^```([a-z]*)$")
	heading = regexp.MustCompile(`^#+ `)
	exempt  = regexp.MustCompile(`^<!-- not run: .+ -->$`)
	without = regexp.MustCompile(`^<!-- without ([a-z, ]+): .+ -->$`)
	// unread matches the beginning of blocks that would be neither tabs nor run.
	unread = regexp.MustCompile("^(?:\\s+```(?:sh|ts|python|go)|\\s*```(?:bash|shell|javascript|js|tsx|typescript|py|golang))$")
)

// readBlocks returns the blocks of code of a guide. It reports tabs that lack a
// language without a reason.
func readBlocks(t *testing.T, file string) (blocks []block) {
	t.Helper()
	var (
		next    block
		lines   []string // of the block, if inside is set
		inside  bool
		tabs    []string // the languages of the tabs that may go on
		lacking []string // the languages that they need not have
	)
	end := func() {
		if len(tabs) == 0 {
			return
		}
		for _, c := range clients {
			if !slices.Equal(tabs, []string{"sh"}) && !slices.Contains(tabs, c) && !slices.Contains(lacking, c) {
				t.Errorf("%s: the tabs lack %s; add it, or write <!-- without %s: reason --> before them", blocks[len(blocks)-1].where, c, c)
			}
		}
		tabs, lacking, next.exempt = nil, nil, false
	}
	for i, line := range strings.Split(readFile(t, file), "\n") {
		where := filepath.Base(file) + ":" + strconv.Itoa(i+1)
		if unread.MatchString(line) {
			t.Errorf("%s: write blocks of code at the first column, and their languages as %s", where, strings.Join(clients, ", "))
		}
		m := fence.FindStringSubmatch(line)
		switch {
		case inside && m == nil:
			lines = append(lines, line)
		case inside:
			inside = false
			next.code = strings.Join(lines, "\n")
			blocks = append(blocks, next)
			if slices.Contains(clients, next.language) {
				tabs = append(tabs, next.language)
			} else {
				next.exempt = false
			}
		case m != nil:
			inside, lines, next.where, next.language = true, nil, where, cmp.Or(m[1], "text")
			if !slices.Contains(clients, next.language) || slices.Contains(tabs, next.language) {
				end()
			}
		case line == "":
		default:
			end()
			switch {
			case exempt.MatchString(line):
				next.exempt = true
			case without.MatchString(line):
				lacking = strings.Split(without.FindStringSubmatch(line)[1], ", ")
			case heading.MatchString(line):
				next.section++
			}
		}
	}
	end()
	return blocks
}
