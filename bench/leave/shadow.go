package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// explanation is a rule of the proxy for a difference that the contract permits.
type explanation struct {
	rule string // ignore, unordered or tokens
	path string // as a rule has it
	at   string // as differences have it
	why  string
}

// explanations are the rules that the comparison needs.
var explanations = []explanation{
	{"unordered", "$.tags", "$.tags", "the contract gives tags no order, and both systems sort those with the same number of articles in their own way"},
	{"tokens", "$..token", "$.user.token", "Byline answers with a token of its own"},
}

// add adds the rule of an explanation.
func (c *comparison) add(e explanation) {
	list := map[string]*[]string{"ignore": &c.Ignore, "unordered": &c.Unordered, "tokens": &c.Tokens}[e.rule]
	*list = append(*list, e.path)
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
	for _, e := range explanations {
		ruled.Compare.add(e)
	}
	w.say("writes wait, so that both sides have the same rows")
	w.world.begin("shadow, writes wait")
	quiet, results, err := w.quietly(ctx, ruled, moving)
	if err != nil {
		return err
	}
	ruled.Modes = modesOf("old") // and go on
	if err := w.proxy.configure(ctx, ruled); err != nil {
		return err
	}
	w.report.Compared = results.total()
	w.report.explain(moving, quiet, results)
	return nil
}

// quietTime bounds how long writes wait for comparisons, besides the step.
const quietTime = 20 * time.Second

// quietly compares while writes wait, and returns the differences and what was
// compared. The operations of earlier differences are among that.
func (w *walk) quietly(ctx context.Context, s settings, earlier []group) ([]group, compared, error) {
	if err := w.proxy.hold(ctx); err != nil {
		return nil, nil, err
	}
	if err := w.take(ctx); err != nil {
		return nil, nil, err
	}
	var err error
	if w.report.Answers, err = w.imports.answers(ctx, w.old.addr, w.new.addr); err != nil {
		return nil, nil, err
	}
	if err := w.proxy.configure(ctx, s); err != nil {
		return nil, nil, err
	}
	// Comparisons without the rules, and of requests from before the import are still under way.
	if err := pause(ctx, w.step/8); err != nil {
		return nil, nil, err
	}
	if err := w.proxy.clear(ctx); err != nil {
		return nil, nil, err
	}
	_, before, err := w.proxy.differences(ctx)
	if err != nil {
		return nil, nil, err
	}
	for end := time.Now().Add(w.step + quietTime); ; {
		if err := pause(ctx, w.step); err != nil {
			return nil, nil, err
		}
		quiet, results, err := w.proxy.differences(ctx)
		if err != nil {
			return nil, nil, err
		}
		if results = results.since(before); results.have(earlier) || time.Now().After(end) {
			return quiet, results, nil
		}
	}
}

// have reports whether the operations of all differences were compared.
func (c compared) have(earlier []group) bool {
	return !slices.ContainsFunc(earlier, func(g group) bool { return c.same(g.Operation) == 0 })
}

// same counts the comparisons of an operation without a difference.
func (c compared) same(operation string) int64 { return c[operation]["equal"] + c[operation]["noise"] }

// explain says what explains each difference. Those that were there while
// writes waited, in spite of the rules, are explained by nothing. Nor are those
// of operations that were not compared then.
func (r *report) explain(moving, quiet []group, results compared) {
	for _, g := range quiet {
		r.Differences = append(r.Differences, found{g.Operation, g.Path, g.Kind, g.Count, "", g.Samples})
	}
	for _, g := range moving {
		why := ""
		if results.same(g.Operation) > 0 {
			why = "newer than the last import: it is not there while writes wait"
		}
		for _, e := range explanations {
			if strings.HasPrefix(g.Path, e.at) && slices.Contains([]string{"value", "order"}, g.Kind) {
				why = fmt.Sprintf("the rule %s: %s, because %s", e.rule, e.path, e.why)
			}
		}
		r.Differences = append(r.Differences, found{g.Operation, g.Path, g.Kind, g.Count, why, nil})
	}
}
