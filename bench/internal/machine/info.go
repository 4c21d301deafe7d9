package machine

import (
	"context"
	"os"
	"runtime"
	"strings"
	"time"
)

// Info describes the machine and the programs that were measured. The figures
// mean nothing without it.
type Info struct {
	Time       time.Time `json:"time"`
	CPU        string    `json:"cpu"`
	Cores      int       `json:"cores"`
	MemoryMB   int64     `json:"memoryMB"`
	OS         string    `json:"os"`
	Go         string    `json:"go"` // version that built the benchmark
	Server     string    `json:"server"`
	PostgreSQL string    `json:"postgresql,omitempty"`
	Commit     string    `json:"commit,omitempty"`
	Load       string    `json:"loadAverage"` // before the run; other load falsifies the figures
}

// Describe returns the parts of Info that do not depend on the server.
func Describe(ctx context.Context, repository string) Info {
	info := Info{Time: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(text), "\n") {
			if rest, ok := strings.CutPrefix(line, "model name"); ok {
				info.CPU = strings.TrimSpace(strings.TrimLeft(rest, "\t: "))
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		n, _ := parseStatus(string(text), "MemTotal")
		info.MemoryMB = n >> 20
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		info.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		info.OS += " " + strings.TrimSpace(string(text))
	}
	if out, err := Output(ctx, repository, os.Environ(), "git", "describe", "--always", "--dirty", "--abbrev=12"); err == nil {
		info.Commit = strings.TrimSpace(out)
	}
	return info
}
