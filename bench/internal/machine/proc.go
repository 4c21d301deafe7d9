package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// tick is the unit of /proc/PID/stat: USER_HZ, which is always 100 for programs
// on Linux.
const tick = 10 * time.Millisecond

// stat contains the fields of /proc/PID/stat that are used here.
type stat struct {
	parent   int
	own      time.Duration // user and system time, of all threads
	children time.Duration // of children that have ended and were waited for
}

func parseStat(text string) (stat, error) {
	// The second field is the name in parentheses, which may contain any
	// character.
	at := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[at+1:])
	if at < 0 || len(fields) < 15 {
		return stat{}, fmt.Errorf("not a stat line: %.60q", text)
	}
	var v [5]int64
	for i, index := range []int{1, 11, 12, 13, 14} {
		n, err := strconv.ParseInt(fields[index], 10, 64)
		if err != nil {
			return stat{}, err
		}
		v[i] = n
	}
	return stat{parent: int(v[0]), own: time.Duration(v[1]+v[2]) * tick, children: time.Duration(v[3]+v[4]) * tick}, nil
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// CPU returns the processor time that a process has used, in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// OwnCPU returns the processor time of this program.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// FamilyCPU returns the processor time of a process and its children, including
// children that have ended: a PostgreSQL server with its backends.
func FamilyCPU(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := s.own + s.children
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended in the meantime
		}
		if child, err := parseStat(string(text)); err == nil && child.parent == pid {
			total += child.own
		}
	}
	return total, nil
}

// RSS records the maximum resident memory of a process.
type RSS struct {
	pid     int
	reset   bool // the kernel's high-water mark could be reset
	sampled atomic.Int64
}

// WatchRSS starts a new maximum. It uses the kernel's high-water mark, which is
// exact. Resetting that needs root or the owner of the process; otherwise the
// maximum of samples is used.
func WatchRSS(pid int) *RSS {
	err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	return &RSS{pid: pid, reset: err == nil}
}

// Sample takes a sample.
func (r *RSS) Sample() {
	if n, err := status(r.pid, "VmRSS"); err == nil && n > r.sampled.Load() {
		r.sampled.Store(n)
	}
}

// Peak returns the maximum in bytes.
func (r *RSS) Peak() (int64, error) {
	if r.reset {
		return status(r.pid, "VmHWM")
	}
	r.Sample()
	if n := r.sampled.Load(); n > 0 {
		return n, nil
	}
	return 0, errors.New("the resident memory cannot be read")
}

func status(pid int, name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseStatus(string(text), name)
}

func parseStatus(text, name string) (int64, error) {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/PID/status has no %s", name)
}
