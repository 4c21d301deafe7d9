package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/byline-api/byline/bench/internal/machine"
)

// profileCPU returns a CPU profile of a Go server for the duration d, from the
// pprof handlers on the port of its metrics.
func (t *target) profileCPU(ctx context.Context, d time.Duration) (*profile.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, d+10*time.Second)
	defer cancel()
	url := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", strings.TrimSuffix(t.metrics, "/metrics"), max(1, int(d.Seconds())))
	body, err := machine.Get(ctx, url)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return profile.Parse(body)
}

// writeProfile merges the profiles of all scenarios, with equal weight, into a
// file for go build -pgo.
func (b *bench) writeProfile() error {
	if len(b.profiles) == 0 {
		return errors.New("--profile: no scenario was measured")
	}
	merged, err := profile.Merge(b.profiles)
	if err != nil {
		return err
	}
	f, err := os.Create(b.profile)
	if err != nil {
		return err
	}
	return errors.Join(merged.Write(f), f.Close())
}
