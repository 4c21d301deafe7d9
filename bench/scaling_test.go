package main

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
)

func TestParseScaling(t *testing.T) {
	o, err := parseScaling(strings.Fields("--scale 2 --time 2s"))
	if err != nil || !slices.Equal(o.scales, []int{2}) || o.measure != 2*time.Second || o.users < o.connections+2 {
		t.Fatalf("%+v, %v", o, err)
	}
	for _, args := range []string{"extra", "--scale 0", "--time 10ms", "--rounds 0", "--connections 0", "--base HEAD"} {
		if _, err := parseScaling(strings.Fields(args)); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"scaling", "--help"}, &out, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "\n  --compute") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// TestScalingScenarios checks that there are scenarios with the names.
func TestScalingScenarios(t *testing.T) {
	names := []string{conduit.Favorite.Name}
	for _, s := range conduit.Scenarios {
		names = append(names, s.Name)
	}
	for _, costs := range []map[string]string{readCosts, writeCosts} {
		for kind, name := range costs {
			if !slices.Contains(names, name) {
				t.Errorf("%s: there is no scenario %s", kind, name)
			}
		}
	}
}
