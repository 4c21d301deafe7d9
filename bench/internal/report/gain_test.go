package report

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/byline-api/byline/bench/internal/load"
)

// closed returns a closed loop with these throughputs.
func closed(backend, byline []float64) Comparable {
	var c Comparable
	for side, all := range [2][]float64{backend, byline} {
		for _, rps := range all {
			c.Rows[side] = append(c.Rows[side], Row{RPS: rps, Requests: 100})
		}
	}
	return c
}

func TestGainJudge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		backend, byline []float64
		want, says      string
	}{
		"Byline":    {[]float64{100, 100, 110}, []float64{400, 500, 440}, BetterByline, "Byline answers 4.0 times as many requests (4.00 to 5.00)."},
		"Backend":   {[]float64{200, 200, 200}, []float64{100, 125, 160}, BetterBackend, "Your backend is better: it answers 1.6 times as many requests as Byline (1.25 to 2.00)."},
		"Noise":     {[]float64{100, 100, 100}, []float64{90, 130, 150}, BetterNoise, "No difference of the throughput beyond noise: the ratio is 1.30 (0.90 to 1.50)."},
		"Little":    {[]float64{100, 100, 100}, []float64{105, 106, 107}, BetterNoise, "No difference of the throughput beyond noise"},
		"FewRounds": {[]float64{100, 100}, []float64{200, 200}, BetterUnknown, "the noise is unknown"},
		"None":      {nil, nil, BetterNone, "Not measured."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &GainKind{Kind: "k", Closed: closed(c.backend, c.byline)}
			(&Gain{Kinds: []*GainKind{k}}).Judge()
			if k.Throughput.Better != c.want || !strings.Contains(k.Says(), c.says) {
				t.Errorf("got %+v and %q", k.Throughput, k.Says())
			}
		})
	}
}

func TestGainErrors(t *testing.T) {
	t.Parallel()
	k := &GainKind{Kind: "k", Closed: closed([]float64{100, 100, 100}, []float64{500, 500, 500})}
	k.Closed.Rows[Backend][1].Errors = 50
	k.Closed.Rows[Backend][1].Failures = []load.Failure{{Message: "status 500: \x1b[31mred", Count: 50}}
	g := &Gain{Kinds: []*GainKind{k}}
	g.Judge()
	if k.Throughput.Better != BetterErrors || !strings.Contains(k.Says(), "16.7 % of the requests to your backend") {
		t.Errorf("got %+v and %q", k.Throughput, k.Says())
	}
	var out strings.Builder
	if err := g.Print(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "\x1b") || !strings.Contains(text, "k, your backend: error: status 500:  [31mred (50 times)") {
		t.Error(text)
	}
}

// TestGainLatency checks that latencies are compared at the highest rate that
// both keep in each round.
func TestGainLatency(t *testing.T) {
	t.Parallel()
	k := &GainKind{Kind: "k", Closed: closed([]float64{1, 1, 1}, []float64{1, 1, 1})}
	add := func(rate float64, side int, rows ...Row) {
		for _, row := range rows {
			row.Curve = make([]time.Duration, len(Percentiles))
			at := k.At(rate)
			at.Rows[side] = append(at.Rows[side], row)
		}
	}
	row := func(p99 int) Row { return Row{P99: time.Duration(p99) * time.Millisecond} }
	add(400, Byline, row(5), row(5), row(5))
	add(200, Backend, row(100), row(300), row(100)) // not kept in one round
	add(200, Byline, row(4), row(4), row(4))
	add(100, Backend, row(50), row(60), row(70))
	add(100, Byline, row(10), row(10), row(10))
	add(50, Backend, row(20), row(20), row(20))
	add(50, Byline, row(10), row(10), row(10))
	g := &Gain{Kinds: []*GainKind{k}, Settings: GainSettings{Rounds: 3, MaxP99: 200 * time.Millisecond}}
	g.Judge()
	if k.Latency == nil || k.Latency.Rate != 100 || k.Latency.P99 != (GainRatio{6, 5, 7, BetterByline}) || k.Latency.Sides[Backend].P99 != 60*time.Millisecond {
		t.Errorf("got %+v", k.Latency)
	}
	if want := "At 100 requests a second, a rate that both kept, 99 % of the answers take up to 60.0 ms from your backend and 10.0 ms from Byline: Byline is better."; !strings.HasSuffix(k.Says(), want) {
		t.Error(k.Says())
	}
	if k.Kept != [2]float64{200, 400} {
		t.Errorf("kept %v", k.Kept)
	}
	for i := 1; i < len(k.Open); i++ {
		if k.Open[i-1].Rate >= k.Open[i].Rate {
			t.Error("the rates are not sorted")
		}
	}
	for _, bad := range []Row{{Errors: 1}, {Behind: "late"}, row(201)} {
		if g.Settings.Keeps(bad) {
			t.Errorf("%+v is said to be kept", bad)
		}
	}
}

// TestGainMembers compares the members of the JSON with those of the version of
// the format that README.md documents.
func TestGainMembers(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "gain-1.members")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	all := members(reflect.TypeFor[Gain](), "")
	slices.Sort(all)
	if got := strings.Join(all, "\n") + "\n"; got != string(want) || GainVersion != 1 {
		t.Errorf("the members differ from those in %s. If one was removed or has another meaning, raise GainVersion. They are\n%s", golden, got)
	}
}

// members returns the paths of the members that values of a type have in JSON,
// with their types.
func members(of reflect.Type, path string) (all []string) {
	switch of.Kind() {
	case reflect.Pointer:
		return members(of.Elem(), path)
	case reflect.Slice, reflect.Array:
		return members(of.Elem(), path+"[]")
	case reflect.Map:
		return members(of.Elem(), path+"{}")
	case reflect.Struct:
		if of == reflect.TypeFor[time.Time]() {
			return []string{path + " time"}
		}
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case name == "-":
			case field.Anonymous && name == "":
				all = append(all, members(field.Type, path)...)
			default:
				all = append(all, members(field.Type, path+"."+name)...)
			}
		}
		return all
	}
	return []string{path + " " + of.Kind().String()}
}
