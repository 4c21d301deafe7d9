package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// TreeCPU returns the processor time of a process and all its descendants,
// except those below the process without. A Node.js server may do its work in
// child processes, and the embedded PostgreSQL is a child of Byline that is
// counted apart.
func TreeCPU(pid, without int) (time.Duration, error) {
	root, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := root.own + root.children
	for _, child := range descendants(pid, without) {
		if s, err := readStat(child); err == nil { // it may have ended
			total += s.own
		}
	}
	return total, nil
}

// TreeMemory returns the resident bytes of a process and all its descendants,
// except those below the process without. Pages that processes share, such as
// the shared buffers of PostgreSQL and the text of a program, are counted once.
func TreeMemory(pid, without int) (int64, error) {
	var private, files, shared int64
	for i, one := range append([]int{pid}, descendants(pid, without)...) {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(one) + "/status")
		if err != nil {
			if i == 0 {
				return 0, err
			}
			continue // it has ended
		}
		for name, add := range map[string]func(int64){
			"RssAnon":  func(n int64) { private += n },
			"RssFile":  func(n int64) { files = max(files, n) },
			"RssShmem": func(n int64) { shared = max(shared, n) },
		} {
			if n, err := parseStatus(string(text), name); err == nil { // a process that is ending has no memory
				add(n)
			}
		}
	}
	return private + files + shared, nil
}

// descendants returns the children of a process, their children and so on.
func descendants(pid, without int) (all []int) {
	children := map[int][]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if s, err := parseStat(string(text)); err == nil && child != without {
			children[s.parent] = append(children[s.parent], child)
		}
	}
	all = append(all, children[pid]...)
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}
