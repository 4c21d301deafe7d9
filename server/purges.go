package server

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/server/cache"
	"github.com/byline-api/byline/server/purge"
)

// edgeKeys returns the header value that tells caches at the edge what a
// response depends on. It is nil if they may not use the response without
// asking: the operator does not allow it, or the value would be too long.
func (s *Server) edgeKeys(keys []changes.Key) []string {
	if s.cfg.SharedMaxAge == 0 {
		return nil
	}
	value := s.cfg.Purges.Format.Value(keys)
	if value == "" {
		return nil
	}
	return []string{value}
}

// edgeHeaders allows caches at the edge to use a response without asking. If
// something that it depends on has changed since it was made, the purge may have
// been sent already, and they have to ask.
func (s *Server) edgeHeaders(h http.Header, control cacheControl, a *cache.Response) {
	if s.cache.Good(a) {
		h["Cache-Control"] = control.edge
		h[s.cfg.Purges.Format.Field()] = a.Edge
	}
}

// Purge tells caches at the edge what changes until ctx ends. It returns at once
// if there are none.
func (s *Server) Purge(ctx context.Context) error {
	if s.purger == nil {
		return nil
	}
	return s.purger.Run(ctx)
}

// purgeCollector reads what purges have done when it is scraped.
type purgeCollector struct{ stats func() purge.Stats }

var (
	edgePurges = prometheus.NewDesc("edge_purges_total", "Purges of caches at the edge, by outcome.", []string{"outcome"}, nil)
	edgeKeys   = prometheus.NewDesc("edge_purged_keys_total", "Keys that these purges named.", nil, nil)
	edgeAge    = prometheus.NewDesc("edge_purge_age_seconds", "How long ago the changes were read that every cache at the edge has been told of.", nil, nil)
)

func (purgeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{edgePurges, edgeKeys, edgeAge} {
		ch <- d
	}
}

func (c purgeCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	ch <- prometheus.MustNewConstMetric(edgePurges, prometheus.CounterValue, float64(s.Completed), "completed")
	ch <- prometheus.MustNewConstMetric(edgePurges, prometheus.CounterValue, float64(s.Failed), "failed")
	ch <- prometheus.MustNewConstMetric(edgeKeys, prometheus.CounterValue, float64(s.Keys))
	ch <- prometheus.MustNewConstMetric(edgeAge, prometheus.GaugeValue, s.Age.Seconds())
}
