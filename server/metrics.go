package server

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/cards"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/server/cache"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/ratelimit"
)

// metrics holds the series that Prometheus scrapes from the admin port. Every
// label has a bounded set of values: the operation ids, methods and statuses of
// the document.
type metrics struct {
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	// endpoints and refusals save the look-up of labels on every request. The
	// key nil is for requests outside the document.
	endpoints map[*contract.Operation]endpoint
	refusals  map[problem.Code]prometheus.Counter
}

// gcPauses selects all pauses of the garbage collector: go_gc_duration_seconds
// covers only the last 256 collections.
var gcPauses = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/sched/pauses/total/gc:seconds$`)}

// endpoint has the series of an operation.
type endpoint struct {
	method   string
	duration prometheus.Observer
	statuses map[int]prometheus.Counter
}

// otherStatuses are the statuses of responses outside the document.
var otherStatuses = []int{200, 204, 404, 405, 503}

// protections are the codes of refusals that protect the service.
var protections = []problem.Code{problem.RateLimited, problem.Overloaded, problem.DatabaseUnavailable}

func newMetrics(cfg Config, doc *contract.Document, pool func() *pgxpool.Stat, store *cache.Cache) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "api_requests_in_flight", Help: "Requests that are being handled.",
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "api_requests_total", Help: "Requests handled, by operation id, method and status.",
		}, []string{"endpoint", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "api_request_duration_seconds", Help: "Time to handle a request, by operation id.",
			Buckets: []float64{.0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 5, 10},
		}, []string{"endpoint"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "api_requests_refused_total", Help: "Requests refused to protect the service, by problem code.",
		}, []string{"code"}),
		endpoints: map[*contract.Operation]endpoint{},
		refusals:  map[problem.Code]prometheus.Counter{},
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "byline_build_info", Help: "Always 1; the labels have the version and the commit that run.",
	}, []string{"version", "commit"})
	build.WithLabelValues(cfg.Version, cfg.Commit).Set(1)
	m.registry.MustRegister(
		m.inFlight, m.requests, m.duration, m.refused, build, poolCollector{pool},
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(gcPauses)), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if store != nil {
		m.registry.MustRegister(cacheCollector{store})
	}
	for _, op := range doc.Operations() {
		m.addEndpoint(op, op.ID, op.Method, op.Statuses)
	}
	m.addEndpoint(nil, noOperation, "other", otherStatuses)
	for _, code := range protections {
		m.refusals[code] = m.refused.WithLabelValues(string(code))
	}
	return m
}

// addEndpoint creates the series of an operation. They begin at 0, so that
// Prometheus sees the increase by the first request: a series that began at 1
// would hide the first error.
func (m *metrics) addEndpoint(op *contract.Operation, id, method string, statuses []int) {
	e := endpoint{method: method, duration: m.duration.WithLabelValues(id), statuses: map[int]prometheus.Counter{}}
	for _, status := range slices.Concat(statuses, []int{statusClientGone}) {
		e.statuses[status] = m.requests.WithLabelValues(id, method, strconv.Itoa(status))
	}
	m.endpoints[op] = e
}

// observe counts a response.
func (m *metrics) observe(x *exchange) {
	e, status := m.endpoints[x.op], x.Response().Status
	if counter, ok := e.statuses[status]; ok {
		counter.Inc()
	} else {
		m.requests.WithLabelValues(x.operationID(), e.method, strconv.Itoa(status)).Inc()
	}
	e.duration.Observe(time.Since(x.started).Seconds())
	if p := x.refusal; p != nil && p.RetryAfter > 0 {
		if counter, ok := m.refusals[p.Code]; ok {
			counter.Inc()
		}
	}
}

// poolCollector reads the pool's statistics when it is scraped.
type poolCollector struct{ stat func() *pgxpool.Stat }

var (
	poolConnections = prometheus.NewDesc("db_pool_connections", "Connections of the pool, by state.", []string{"state"}, nil)
	poolMax         = prometheus.NewDesc("db_pool_max_connections", "The largest number of connections that the pool opens.", nil, nil)
	poolAcquires    = prometheus.NewDesc("db_pool_acquires_total", "Connections acquired from the pool.", nil, nil)
	poolWaits       = prometheus.NewDesc("db_pool_waits_total", "Times that a request had to wait for a connection.", nil, nil)
	poolWaitSeconds = prometheus.NewDesc("db_pool_wait_seconds_total", "Time that requests spent waiting for a connection.", nil, nil)
)

func (c poolCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConnections, poolMax, poolAcquires, poolWaits, poolWaitSeconds} {
		ch <- d
	}
}

func (c poolCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stat()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	gauge(poolConnections, float64(s.AcquiredConns()), "used")
	gauge(poolConnections, float64(s.IdleConns()), "idle")
	gauge(poolConnections, float64(s.ConstructingConns()), "opening")
	gauge(poolMax, float64(s.MaxConns()))
	counter(poolAcquires, float64(s.AcquireCount()))
	counter(poolWaits, float64(s.EmptyAcquireCount()))
	counter(poolWaitSeconds, s.EmptyAcquireWaitTime().Seconds())
}

// replicaCollector reads the state of the read replicas when it is scraped.
type replicaCollector struct{ db *db.DB }

var (
	replicaUsed    = prometheus.NewDesc("db_replica_used", "1 if reads are sent to the replica, 0 if it is lost, late, or follows another primary. Missing for the primary itself.", []string{"replica"}, nil)
	replicaLag     = prometheus.NewDesc("db_replica_lag_seconds", "How long ago the primary did what the replica does not show yet.", []string{"replica"}, nil)
	replicaReads   = prometheus.NewDesc("db_replica_reads_total", "Reads sent to the replica.", []string{"replica"}, nil)
	replicaFailed  = prometheus.NewDesc("db_replica_failed_reads_total", "Reads that failed on the replica and were sent to the primary.", []string{"replica"}, nil)
	replicaMissing = prometheus.NewDesc("db_replica_missing_total", "Requests whose reads were sent to the primary because no replica showed enough in time.", nil, nil)
)

func (c replicaCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{replicaUsed, replicaLag, replicaReads, replicaFailed, replicaMissing} {
		ch <- d
	}
}

func (c replicaCollector) Collect(ch chan<- prometheus.Metric) {
	all, missing := c.db.ReplicaStatus()
	for _, r := range all {
		used := 0.0
		if r.State == db.ReplicaUsed {
			used = 1
		}
		if r.State != db.ReplicaPrimary { // nothing is wrong with it
			ch <- prometheus.MustNewConstMetric(replicaUsed, prometheus.GaugeValue, used, r.Name)
		}
		ch <- prometheus.MustNewConstMetric(replicaLag, prometheus.GaugeValue, r.Lag.Seconds(), r.Name)
		ch <- prometheus.MustNewConstMetric(replicaReads, prometheus.CounterValue, float64(r.Reads), r.Name)
		ch <- prometheus.MustNewConstMetric(replicaFailed, prometheus.CounterValue, float64(r.Failed), r.Name)
	}
	ch <- prometheus.MustNewConstMetric(replicaMissing, prometheus.CounterValue, float64(missing))
}

// cacheCollector reads the cache's statistics when it is scraped.
type cacheCollector struct{ store *cache.Cache }

var (
	cacheHits      = prometheus.NewDesc("cache_hits_total", "Requests whose response was cached.", nil, nil)
	cacheMisses    = prometheus.NewDesc("cache_misses_total", "Requests whose response could have been cached and was not.", nil, nil)
	cacheEvictions = prometheus.NewDesc("cache_evictions_total", "Cached responses removed to make room for others.", nil, nil)
	cacheAnswers   = prometheus.NewDesc("cache_answers", "Cached responses.", nil, nil)
	cacheBytes     = prometheus.NewDesc("cache_bytes", "Bytes that the cached responses take.", nil, nil)
)

func (c cacheCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{cacheHits, cacheMisses, cacheEvictions, cacheAnswers, cacheBytes} {
		ch <- d
	}
}

func (c cacheCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.store.Stats()
	for _, counter := range []struct {
		desc  *prometheus.Desc
		value int64
	}{{cacheHits, s.Hits}, {cacheMisses, s.Misses}, {cacheEvictions, s.Evictions}} {
		ch <- prometheus.MustNewConstMetric(counter.desc, prometheus.CounterValue, float64(counter.value))
	}
	ch <- prometheus.MustNewConstMetric(cacheAnswers, prometheus.GaugeValue, float64(s.Responses))
	ch <- prometheus.MustNewConstMetric(cacheBytes, prometheus.GaugeValue, float64(s.Bytes))
}

// cardCollector reads the statistics of the cached parts of lists when it is
// scraped.
type cardCollector struct{ stats func() cards.Stats }

var (
	cardHits   = prometheus.NewDesc("card_hits_total", "Articles in lists whose cached part was used.", nil, nil)
	cardMisses = prometheus.NewDesc("card_misses_total", "Articles in lists whose part was not cached and had to be read.", nil, nil)
	cardParts  = prometheus.NewDesc("card_parts", "Cached parts of lists of articles.", nil, nil)
	cardBytes  = prometheus.NewDesc("card_bytes", "Bytes that the cached parts of lists take.", nil, nil)
)

func (c cardCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{cardHits, cardMisses, cardParts, cardBytes} {
		ch <- d
	}
}

func (c cardCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	ch <- prometheus.MustNewConstMetric(cardHits, prometheus.CounterValue, float64(s.Hits))
	ch <- prometheus.MustNewConstMetric(cardMisses, prometheus.CounterValue, float64(s.Misses))
	ch <- prometheus.MustNewConstMetric(cardParts, prometheus.GaugeValue, float64(s.Parts))
	ch <- prometheus.MustNewConstMetric(cardBytes, prometheus.GaugeValue, float64(s.Bytes))
}

// fleetCollector reads what the sharing of quotas has done when it is scraped.
type fleetCollector struct{ stats *ratelimit.FleetStats }

var (
	quotaReplicas     = prometheus.NewDesc("rate_limit_replicas", "Replicas that share rate limits: 1 if this one counts alone.", nil, nil)
	quotaRounds       = prometheus.NewDesc("rate_limit_rounds_total", "Statements that tell other replicas what clients have used, by outcome.", []string{"outcome"}, nil)
	quotaRoundSeconds = prometheus.NewDesc("rate_limit_round_seconds_total", "Time that these statements took.", nil, nil)
	quotaUses         = prometheus.NewDesc("rate_limit_uses_total", "Quotas of clients that these statements were about.", nil, nil)
)

func (fleetCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{quotaReplicas, quotaRounds, quotaRoundSeconds, quotaUses} {
		ch <- d
	}
}

func (c fleetCollector) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	ch <- prometheus.MustNewConstMetric(quotaReplicas, prometheus.GaugeValue, float64(c.stats.Replicas.Load()))
	counter(quotaRounds, float64(c.stats.Rounds.Load()), "completed")
	counter(quotaRounds, float64(c.stats.Failed.Load()), "failed")
	counter(quotaRoundSeconds, time.Duration(c.stats.Nanoseconds.Load()).Seconds())
	counter(quotaUses, float64(c.stats.Uses.Load()))
}

// oldTokenCollector reads the counters of the tokens of an older system when it
// is scraped.
type oldTokenCollector struct{ tokens *auth.OldTokens }

var oldTokenRequests = prometheus.NewDesc("old_token_requests_total", "Requests with a token that an older system has signed, by outcome.", []string{"outcome"}, nil)

func (oldTokenCollector) Describe(ch chan<- *prometheus.Desc) { ch <- oldTokenRequests }

func (c oldTokenCollector) Collect(ch chan<- prometheus.Metric) {
	for outcome, n := range c.tokens.Counts {
		ch <- prometheus.MustNewConstMetric(oldTokenRequests, prometheus.CounterValue, float64(n), outcome)
	}
}
