package main

import (
	"fmt"

	"github.com/byline-api/byline/bench/internal/conduit"
	"github.com/byline-api/byline/bench/internal/replica"
	"github.com/byline-api/byline/bench/internal/report"
)

// add adds a note to the report.
func (g *gain) add(format string, args ...any) {
	g.report.Notes = append(g.report.Notes, fmt.Sprintf(format, args...))
}

// noteData says what of the data differs.
func (g *gain) noteData(s *conduit.Snapshot, stored *replica.Result) {
	if s.Cut != "" {
		total := ""
		if s.Total > 0 {
			total = fmt.Sprintf(" of the %d", s.Total)
		}
		g.add("The data is not the same: %s%s. Your backend has to search more rows than Byline, and lists by tag may be longer.", s.Cut, total)
	}
	if s.Lost > 0 {
		g.add("%d articles were listed by your backend and could not be read. They were left out. The first error: %v.", s.Lost, s.Why)
	}
	if stored.FavoritesCut > 0 {
		g.add("%d articles have fewer favorites in Byline than in your backend, because the number of copied favorites is bounded.", stored.FavoritesCut)
	}
}

// note says what was not compared, and what falsifies the figures.
func (g *gain) note() {
	if g.ended != "" {
		g.add("%s. The kinds of requests that come last have fewer rounds, or none.", g.ended)
	}
	for _, text := range g.notes {
		g.add("%s.", text)
	}
	g.notes = nil
	if t := g.targets[report.Backend]; !t.site.Local() {
		g.add("Your backend does not run on this machine. Its figures include the network and other hardware, so the ratios do not compare the programs.")
	} else if t.pid == 0 {
		g.add("CPU and memory of your backend are unknown. Give --pid, and --db-pid for its database.")
	}
	g.noteSettings()
	if !g.gain.signedIn() {
		g.add("Signed-in requests were not compared. Give --token, or --email and --password.")
	}
	if g.gain.writes {
		g.noteWrites()
	} else {
		g.add("Writes were not compared. With --writes --yes, articles and comments are created in both.")
	}
	g.add("These were not compared: sign-in, registration, favorites, follows, changes and deletions, TLS, proxies, the first requests after a start, and how both behave when the data grows.")
	g.add("Latencies are from one machine that also runs the benchmark. What your users see also depends on the network.")
	g.add("Nothing was sent anywhere but to the two servers.")
}

func (g *gain) noteSettings() {
	g.add("Both servers and the benchmark share the cores. Byline ran with its default settings and its embedded PostgreSQL, which wait for the disk before they confirm a write. It caches answers to readers who are not signed in; %q asks for all articles in turn, so that caches help least.", conduit.Uncached)
	g.add("Other load on the machine falsifies the figures. The load average before the run was %s.", g.report.Machine.Load)
}

// noteWrites says what stays in the backend.
func (g *gain) noteWrites() {
	counts := map[string]uint64{}
	for _, k := range g.report.Kinds {
		if !k.Writes || len(k.Closed.Rows[report.Backend]) == 0 {
			continue
		}
		rows := k.Closed.Rows[report.Backend]
		for _, r := range k.Open {
			rows = append(rows[:len(rows):len(rows)], r.Rows[report.Backend]...)
		}
		for _, row := range rows {
			counts[k.Kind] += row.Requests - min(row.Errors, row.Requests)
		}
	}
	if len(counts) == 0 {
		return
	}
	g.add("Your backend keeps what was created: about %d articles and %d comments, and those of the warm-ups. All contain the text %s.", counts[conduit.Create], counts[conduit.AddComment], g.mark)
}
