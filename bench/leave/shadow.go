package main

import (
	"context"
	"fmt"
	"strings"
)

// explanation is a rule for a difference that both systems have on purpose.
type explanation struct {
	operation, path string // an empty operation means all of them
	why             string
}

// explanations are the rules that the comparison needs.
var explanations = []explanation{
	{"GetTags", "$.tags", "Byline shows tags as the clients wrote them, in another order for equal counts"},
}

// found is a difference with what explains it.
type found struct {
	Operation   string `json:"operation"`
	Path        string `json:"path"`
	Kind        string `json:"kind"`
	Count       int64  `json:"count"`
	Explanation string `json:"explanation"` // empty = none
	Samples     []any  `json:"samples,omitempty"`
}

// shadow compares the answers of both systems to the same reads. First the old
// system writes meanwhile, so that the new one may lack what is newer than the
// last import. Then writes wait and everything is imported: what is different
// even then needs a rule.
func (w *walk) shadow(ctx context.Context) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	if err := w.proxy.set(ctx, modesOf("shadow")); err != nil {
		return err
	}
	if err := w.phase(ctx, "shadow", w.step); err != nil {
		return err
	}
	moving, _, err := w.proxy.differences(ctx)
	if err != nil {
		return err
	}
	ruled := w.settings(with(modesOf("shadow"), map[string]string{"writes": "hold"}))
	ruled.Compare.IgnoreFor = map[string][]string{}
	for _, e := range explanations {
		ruled.Compare.IgnoreFor[e.operation] = append(ruled.Compare.IgnoreFor[e.operation], e.path)
	}
	w.say("writes wait, so that both sides have the same rows")
	w.world.begin("shadow, writes wait")
	quiet, err := w.quietly(ctx, ruled)
	if err != nil {
		return err
	}
	ruled.Modes = modesOf("old")
	if err := w.proxy.configure(ctx, ruled); err != nil {
		return err
	}
	w.report.explain(moving, quiet)
	return nil
}

// quietly compares while writes wait, and returns the differences.
func (w *walk) quietly(ctx context.Context, s settings) ([]group, error) {
	if err := w.proxy.hold(ctx); err != nil {
		return nil, err
	}
	if err := w.take(ctx); err != nil {
		return nil, err
	}
	if err := w.proxy.configure(ctx, s); err != nil {
		return nil, err
	}
	// Comparisons of requests from before the import are still under way.
	if err := pause(ctx, w.step/8); err != nil {
		return nil, err
	}
	if err := w.proxy.clear(ctx); err != nil {
		return nil, err
	}
	_, before, err := w.proxy.differences(ctx)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, w.step); err != nil {
		return nil, err
	}
	quiet, results, err := w.proxy.differences(ctx)
	if err != nil {
		return nil, err
	}
	for result, n := range results {
		if n -= before[result]; n > 0 {
			w.report.Compared[result] = n
		}
	}
	return quiet, nil
}

// explain says what explains each difference. Those that were there while
// writes waited, in spite of the rules, are explained by nothing.
func (r *report) explain(moving, quiet []group) {
	for _, g := range quiet {
		r.Differences = append(r.Differences, found{g.Operation, g.Path, g.Kind, g.Count, "", g.Samples})
	}
	for _, g := range moving {
		why := "newer than the last import: it is not there while writes wait"
		for _, e := range explanations {
			if e.operation == g.Operation && strings.HasPrefix(g.Path, e.path) {
				why = fmt.Sprintf("ignoreFor: %s: %s. %s", e.operation, e.path, e.why)
			}
		}
		r.Differences = append(r.Differences, found{g.Operation, g.Path, g.Kind, g.Count, why, nil})
	}
}
