package scaling

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// The marks between which the tables of a page stand.
const (
	begin = "<!-- bench scaling: this part is generated -->\n"
	end   = "<!-- bench scaling: end -->\n"
)

// UpdatePage replaces the generated part of a page.
func UpdatePage(file string, c Constants) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no part between %q and %q", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	var b strings.Builder
	Print(&b, c)
	return os.WriteFile(file, []byte(before+begin+"\n"+b.String()+"\n"+end+after), 0o644)
}

// Print writes the tables for the standard plan.
func Print(w io.Writer, c Constants) {
	p := Standard()
	fmt.Fprintf(w, "### What it is computed from\n\n")
	printConstants(w, c)
	fmt.Fprintf(w, "\n### Storage\n\n")
	printStorage(w, c, p)
	fmt.Fprintf(w, "\n### What an edge answers\n\n")
	printHits(w, p)
	fmt.Fprintf(w, "\n### What it takes\n\n")
	printNeeds(w, c, p)
	fmt.Fprintf(w, "\n### How many questions the primary gets\n\n")
	printRequests(w, c, p)
	fmt.Fprintf(w, "\n### Partitions\n\n")
	printLayouts(w, c)
	fmt.Fprintf(w, "\n### What a million requests cost\n\n")
	printPrices(w, c, p)
}

func printConstants(w io.Writer, c Constants) {
	fmt.Fprintf(w, "`make scaling` measured the CPU time of each request on %s,\nwith PostgreSQL %s on the same cores, %s articles, on %s at commit %s.\n\n",
		c.Machine, strings.Fields(c.PostgreSQL + " ")[0], thousands(float64(c.Articles)), c.Date, c.Commit)
	fmt.Fprintln(w, "| | service, µs | PostgreSQL, µs | log (WAL), bytes |\n|---|---:|---:|---:|")
	for _, kind := range []string{"article", "list", "comments", "feed"} {
		if kind != "feed" { // the model takes it that none is
			fmt.Fprintf(w, "| read: %s, in memory | %.0f | %.0f | |\n", kind, c.Kept[kind].Service, c.Kept[kind].Database)
		}
		fmt.Fprintf(w, "| read: %s, not in memory | %.0f | %.0f | |\n", kind, c.Read[kind].Service, c.Read[kind].Database)
	}
	for _, kind := range []string{"favorite", "comment", "article"} {
		fmt.Fprintf(w, "| write: %s | %.0f | %.0f | %s |\n", kind, c.Writes[kind].Service, c.Writes[kind].Database, thousands(c.Writes[kind].WAL))
	}
	fmt.Fprintf(w, "| question what has changed | | %.0f | |\n| each change in the answer | | %.1f | |\n", c.Question, c.Change)
}

func printStorage(w io.Writer, c Constants, p Plan) {
	fmt.Fprintln(w, "| | for each article | bytes a row | of which indexes | for 1 billion articles |\n|---|---:|---:|---:|---:|")
	var total float64
	for _, s := range c.Storage {
		row := float64(s.Data+s.Indexes) / float64(max(s.Rows, 1))
		all := row * s.PerItem * p.Articles
		total += all
		fmt.Fprintf(w, "| %s | %.2f | %s | %.0f %% | %.2f TB |\n", s.Kind, s.PerItem, thousands(row), 100*float64(s.Indexes)/float64(s.Data+s.Indexes), all/1e12)
	}
	fmt.Fprintf(w, "| all | | | | %.1f TB |\n", total/1e12)
	n := p.Need(c, nil)
	rate := map[string]float64{"articles": p.Create, "comments": p.Requests * p.Comment, "favorites": p.Requests * p.Favorite}
	var daily float64
	for _, s := range c.Storage {
		daily += rate[s.Kind] * float64(s.Data+s.Indexes) / float64(max(s.Rows, 1)) * 86_400
	}
	fmt.Fprintf(w, "\nAt the writes of the plan, %.0f GB are added a day, and %.1f TB of log (WAL) are written.\n", daily/1e9, n.WAL*86_400/1e12)
}

// ages are times for which an edge may use a response, in seconds.
var ages = []struct {
	name string
	age  float64
}{{"1 s", 1}, {"1 min", 60}, {"1 h", 3600}, {"1 day", 86_400}}

func printHits(w io.Writer, p Plan) {
	fmt.Fprintln(w, "Share of the anonymous requests for single articles that an edge answers, with one cache for all clients, for three exponents of\nZipf's law:")
	fmt.Fprintln(w, "\n| `BYLINE_SHARED_MAX_AGE` | 0.8 | 1.0 | 1.2 |\n|---|---:|---:|---:|")
	anonymous := p.Requests * p.Article * (1 - p.SignedIn)
	for _, a := range ages {
		for _, purging := range []bool{false, true} {
			e, name := Edge{TTL: a.age}, a.name+", nothing purged"
			if purging {
				e.Every, name = purgeEvery, a.name+", purged by changes"
			}
			fmt.Fprintf(w, "| %s |", name)
			for _, s := range []float64{.8, 1, 1.2} {
				fmt.Fprintf(w, " %.1f %% |", 100*e.HitsOf(Zipf(p.Articles, s), anonymous, p.Requests*p.Favorite))
			}
			fmt.Fprintln(w)
		}
	}
}

// purgeEvery is how often the service purges, in seconds.
const purgeEvery = .25

func printNeeds(w io.Writer, c Constants, p Plan) {
	fmt.Fprintf(w, "For %s requests a second of the mix, %s articles, and half of each core left free:\n\n", thousands(p.Requests), thousands(p.Articles))
	fmt.Fprintln(w, "| | no edge | edge, 1 min, nothing purged | edge, 1 day, purged |\n|---|---:|---:|---:|")
	var needs []Need
	for _, e := range []*Edge{nil, {TTL: 60}, {TTL: 86_400, Every: purgeEvery}} {
		needs = append(needs, p.Need(c, e))
	}
	for _, row := range []struct {
		name string
		get  func(Need) string
	}{
		{"requests a second that the edge answers", func(n Need) string { return thousands(n.Edge) }},
		{"requests a second that reach the service", func(n Need) string { return thousands(n.Service) }},
		{"cores that the service uses", func(n Need) string { return fmt.Sprintf("%.1f", n.ServiceCores) }},
		{fmt.Sprintf("**machines of %.0f cores for the service**", p.ServiceCores), func(n Need) string { return fmt.Sprintf("**%.0f**", n.Services) }},
		{"cores of PostgreSQL for reads", func(n Need) string { return fmt.Sprintf("%.1f", n.ReadCores) }},
		{fmt.Sprintf("**standbys of %.0f cores**", p.DatabaseCores), func(n Need) string { return fmt.Sprintf("**%.0f**", n.Standbys) }},
		{"cores of the primary for writes", func(n Need) string { return fmt.Sprintf("%.2f", n.WriteCores) }},
		{"cores of the primary for the question what has changed", func(n Need) string { return fmt.Sprintf("%.2f", n.AskedCores) }},
		{"log (WAL), MB a second to each standby", func(n Need) string { return fmt.Sprintf("%.1f", n.WAL/1e6) }},
		{"keys that change a second", func(n Need) string { return thousands(n.Purged) }},
	} {
		fmt.Fprintf(w, "| %s |", row.name)
		for _, n := range needs {
			fmt.Fprintf(w, " %s |", row.get(n))
		}
		fmt.Fprintln(w)
	}
}

func printRequests(w io.Writer, c Constants, p Plan) {
	fmt.Fprintln(w, "| requests a second, no edge | services | standbys | primary: writes, cores | primary: questions, cores |\n|---:|---:|---:|---:|---:|")
	for _, rate := range []float64{1000, 10_000, 100_000, 1_000_000} {
		p := p
		p.Requests, p.Create = rate, p.Create*rate/Standard().Requests
		n := p.Need(c, nil)
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.2f | %.2f |\n", thousands(rate), n.Services, n.Standbys, n.WriteCores, n.AskedCores)
	}
}

// statements are what was measured for each layout.
var statements = []string{"by id", "newest 20", "newest 20 of an author", "insert"}

func printLayouts(w io.Writer, c Constants) {
	var most float64
	for _, l := range c.Layouts {
		for _, s := range l.Spread {
			most = max(most, s)
		}
	}
	fmt.Fprintf(w, "CPU time of PostgreSQL in µs for one statement on 400,000 rows, with prepared statements and generic plans as the service has them;\nmedians of three rounds in turn, which differed by up to %.0f %%, so that only large differences mean something:\n", 100*most)
	fmt.Fprintf(w, "\n| | %s |\n|---|%s\n", strings.Join(statements, " | "), strings.Repeat("---:|", len(statements)))
	for _, l := range c.Layouts {
		fmt.Fprintf(w, "| %s |", l.Name)
		for _, s := range statements {
			fmt.Fprintf(w, " %.0f |", l.CPU[s])
		}
		fmt.Fprintln(w)
	}
}

func printPrices(w io.Writer, c Constants, p Plan) {
	fmt.Fprintf(w, "With %.2f USD for an hour of a core of which half is used, and %.2f USD for a million requests at the edge\n(put in what you pay):\n\n", p.CoreHour, p.EdgeMillion)
	fmt.Fprintln(w, "| | core seconds | USD for the cores | USD for the edge |\n|---|---:|---:|---:|")
	for _, b := range Node {
		fmt.Fprintf(w, "| %s | %s | %.3f | |\n", b.Name, thousands(b.CoreSeconds()), p.Price(b.CoreSeconds()))
	}
	for _, e := range []struct {
		name string
		edge *Edge
	}{{"Byline, the plan without an edge", nil}, {"Byline, the plan with an edge, 1 day, purged", &Edge{TTL: 86_400, Every: purgeEvery}}} {
		n := p.Need(c, e.edge)
		seconds := n.Cores() / p.Requests * 1e6
		price := ""
		if e.edge != nil {
			price = fmt.Sprintf(" %.2f", p.EdgeMillion*(n.Edge+n.Service)/p.Requests)
		}
		fmt.Fprintf(w, "| %s | %s | %.3f |%s |\n", e.name, thousands(seconds), p.Price(seconds), price)
	}
}

// thousands returns a number with commas.
func thousands(x float64) string {
	text := fmt.Sprintf("%.0f", x)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
