package gainpage

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/load"
	"github.com/byline-api/byline/bench/internal/report"
)

// hostile is what a backend could send to change the page.
const hostile = `</title></style></svg><script src="http://evil.test/x.js">alert(1)</script><img src=x onerror=alert(1)>"'&`

// sample returns figures with texts of a hostile backend.
func sample() *report.Gain {
	g := &report.Gain{
		Backend: "http://127.0.0.1:3000/api" + hostile, Settings: report.GainSettings{Connections: 2, Rounds: 3, Measure: time.Second, MaxP99: 200 * time.Millisecond},
		Notes: []string{hostile}, Data: report.GainData{Refused: map[string]int{hostile: 1}},
	}
	row := func(d time.Duration) report.Row {
		r := report.Row{RPS: float64(time.Second / d), P50: d, P90: 2 * d, P99: 3 * d, Max: 4 * d, Requests: 100, ServerCPU: d, PGCPU: d}
		for range report.Percentiles {
			r.Curve = append(r.Curve, d)
		}
		return r
	}
	for _, name := range []string{conduit.Article, report.LeadKind} {
		k := g.Find(name)
		k.Contents = &conduit.Contents{Requests: 1, Differences: map[string]int{hostile: 1}}
		k.Contents.Sides[0] = conduit.ContentsOfOne{Statuses: map[int]int{200: 1}, Contract: map[string]int{hostile: 1}}
		for side, d := range []time.Duration{8 * time.Millisecond, time.Millisecond} {
			for range g.Settings.Rounds {
				r := row(d)
				k.Closed.Rows[side] = append(k.Closed.Rows[side], r)
				for _, rate := range []float64{50, 100, 200} {
					open := k.At(rate)
					open.Rows[side] = append(open.Rows[side], r)
				}
			}
		}
		k.Closed.Rows[0][0].Failures = []load.Failure{{Message: hostile, Count: 1}}
	}
	g.Find("skipped").Skipped = hostile
	for i := range 5 {
		g.Memory = append(g.Memory, report.GainMemory{At: time.Duration(i) * time.Second, Server: [2]int64{90 << 20, 50 << 20}, Database: [2]int64{0, int64(60+i) << 20}})
	}
	g.Judge()
	return g
}

func written(t *testing.T, g *report.Gain) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, g); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// attributes of elements that could load something.
var loading = regexp.MustCompile(`(?i)url\(|@import|expression\(`)

// check parses a page strictly and returns the number of elements by name. It
// fails if the page is not well-formed, or could load or run something.
func check(t *testing.T, text string) map[string]int {
	t.Helper()
	elements, ids, labels := map[string]int{}, map[string]bool{}, []string{}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements[e.Name.Local]++
		for _, a := range e.Attr {
			switch name := strings.ToLower(a.Name.Local); {
			case name == "href" && !strings.HasPrefix(a.Value, "#"), name == "src", name == "srcset", name == "action", name == "data", strings.HasPrefix(name, "on"):
				t.Errorf("<%s %s=%q>", e.Name.Local, name, a.Value)
			case name == "href":
				labels = append(labels, a.Value[1:])
			case name == "aria-labelledby":
				labels = append(labels, strings.Fields(a.Value)...)
			case name == "id":
				if ids[a.Value] {
					t.Errorf("two elements have the id %q", a.Value)
				}
				ids[a.Value] = true
			}
		}
	}
	for _, id := range labels {
		if !ids[id] {
			t.Errorf("nothing has the id %q", id)
		}
	}
	style, _, _ := strings.Cut(text, "</style>")
	if loading.MatchString(style) {
		t.Error("the style sheet loads something")
	}
	for _, name := range []string{"script", "link", "iframe", "img", "image", "object", "embed", "form", "use", "foreignObject"} {
		if elements[name] > 0 {
			t.Errorf("the page has <%s>", name)
		}
	}
	return elements
}

func TestPage(t *testing.T) {
	t.Parallel()
	text := written(t, sample())
	elements := check(t, text)
	// Throughput, memory, and for both kinds the curve and the rates.
	if want := 6; elements["svg"] != want || elements["desc"] != want || elements["figure"] != want || elements["title"] != want+1 {
		t.Errorf("the page has %v", elements)
	}
	for _, want := range []string{"mix of reads", "Byline answers 8.0 times as many requests", "nothing was sent", "prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "ZgotmplZ") {
		t.Error("the page has a script, or a figure that is no number")
	}
}

// TestPageOfNothing writes pages with as little as a run can have.
func TestPageOfNothing(t *testing.T) {
	t.Parallel()
	empty := &report.Gain{}
	zero := sample()
	for _, k := range zero.Kinds {
		for side := range k.Closed.Rows {
			for i := range k.Closed.Rows[side] {
				k.Closed.Rows[side][i] = report.Row{}
			}
		}
		for _, r := range k.Open {
			for i := range r.Rows[0] {
				r.Rows[0][i] = report.Row{Curve: make([]time.Duration, len(report.Percentiles))}
			}
			r.Rows[1] = nil
		}
	}
	zero.Memory = zero.Memory[:1]
	zero.Judge()
	for i, g := range []*report.Gain{empty, zero} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if text := written(t, g); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Error("a figure is no number")
			} else {
				check(t, text)
			}
		})
	}
}
