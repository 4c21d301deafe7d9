package strangle

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

var (
	requestsDesc   = prometheus.NewDesc("strangle_requests_total", "Responses by operation, by the system that gave them (shadow is the new one, asked only to compare), and by class of the status; none if there was no response.", []string{"operation", "upstream", "status"}, nil)
	brokenDesc     = prometheus.NewDesc("strangle_broken_responses_total", "Responses that ended before their end.", []string{"operation", "upstream"}, nil)
	latencyDesc    = prometheus.NewDesc("strangle_response_seconds", "Time until a response began.", []string{"operation", "upstream"}, nil)
	fallbackDesc   = prometheus.NewDesc("strangle_fallbacks_total", "Requests that the old system answered instead of the new one, by reason.", []string{"operation", "reason"}, nil)
	comparedDesc   = prometheus.NewDesc("strangle_comparisons_total", "Requests that the new system was to be asked too, by result.", []string{"operation", "result"}, nil)
	differenceDesc = prometheus.NewDesc("strangle_differences_total", "Differences since they were last cleared, by operation, place and kind.", []string{"operation", "path", "kind"}, nil)
	modeDesc       = prometheus.NewDesc("strangle_mode", "1 for the mode of each operation.", []string{"operation", "mode"}, nil)
	changesDesc    = prometheus.NewDesc("strangle_changes_total", "Changes of the modes, by what has made them.", []string{"by"}, nil)
	waitingDesc    = prometheus.NewDesc("strangle_waiting_requests", "Requests that wait because of the mode hold.", nil, nil)
	refusedDesc    = prometheus.NewDesc("strangle_refused_writes_total", "Writes that were refused because they had waited for too long or too many did.", nil, nil)
	writingDesc    = prometheus.NewDesc("strangle_old_writes_in_flight", "Writes that the old system works on.", nil, nil)
	queueDesc      = prometheus.NewDesc("strangle_shadow_queue", "Exchanges that wait to be compared.", nil, nil)
	breakerDesc    = prometheus.NewDesc("strangle_breaker_open", "1 while no reads go to the new system because it has failed.", nil, nil)
)

// newRegistry returns the metrics of the proxy and the process.
func (p *Proxy) newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(p, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Describe implements prometheus.Collector.
func (p *Proxy) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		requestsDesc, brokenDesc, latencyDesc, fallbackDesc, comparedDesc, differenceDesc, modeDesc, changesDesc,
		waitingDesc, refusedDesc, writingDesc, queueDesc, breakerDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Series of operations without
// requests are left out.
func (p *Proxy) Collect(ch chan<- prometheus.Metric) {
	for i := range p.traffic.operations {
		op := p.other
		if i < len(p.operations) {
			op = p.operations[i]
		}
		p.traffic.operations[i].collect(ch, op.name())
	}
	modes := p.table.Load().modes
	for _, op := range p.operations {
		gauge(ch, modeDesc, 1, op.id, modes[op.index].String())
	}
	groups, _ := p.book.Groups()
	for _, g := range groups {
		count(ch, differenceDesc, g.Count, g.Operation, g.Path, string(g.Kind))
	}
	for by := range changers {
		count(ch, changesDesc, p.changes[by].Load(), by.String())
	}
	count(ch, refusedDesc, p.traffic.refused.Load())
	gauge(ch, waitingDesc, float64(p.waiting.requests.Load()))
	gauge(ch, writingDesc, float64(p.writing.Load()))
	gauge(ch, queueDesc, float64(len(p.shadow.queue)))
	open := 0.0
	if p.breaker.open() {
		open = 1
	}
	gauge(ch, breakerDesc, open)
}

func count(ch chan<- prometheus.Metric, d *prometheus.Desc, n int64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// classes are the labels of statuses by their first digit.
var classes = [...]string{"", "1xx", "2xx", "3xx", "4xx", "5xx"}

func (t *operationTraffic) collect(ch chan<- prometheus.Metric, operation string) {
	some := func(d *prometheus.Desc, n int64, labels ...string) {
		if n > 0 {
			count(ch, d, n, labels...)
		}
	}
	for s := range sides {
		side := &t.sides[s]
		for i, class := range classes {
			some(requestsDesc, side.classes[i].Load(), operation, s.String(), class)
		}
		some(requestsDesc, side.failed.Load(), operation, s.String(), "none")
		some(brokenDesc, side.brokenOff.Load(), operation, s.String())
		side.latency.collect(ch, operation, s.String())
	}
	for f := range fallbacks {
		some(fallbackDesc, t.fallbacks[f].Load(), operation, f.String())
	}
	for o := range outcomes {
		some(comparedDesc, t.outcomes[o].Load(), operation, o.String())
	}
}

// collect exports the histogram with a bucket for each power of two from a
// quarter of a millisecond.
func (l *latencies) collect(ch chan<- prometheus.Metric, labels ...string) {
	buckets := map[float64]uint64{}
	total := uint64(0)
	for i := range l.buckets {
		total += uint64(l.buckets[i].Load())
		if end := upTo(i); i%perPower == perPower-1 && end.Microseconds() >= firstBucket {
			buckets[end.Seconds()] = total
		}
	}
	if total > 0 {
		ch <- prometheus.MustNewConstHistogram(latencyDesc, total, float64(l.sum.Load())/1e9, buckets, labels...)
	}
}

// firstBucket is the end of the first exported bucket, in microseconds.
const firstBucket = 256
