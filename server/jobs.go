package server

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/byline-api/byline/db/jobs"
)

//go:embed jobs.html
var jobsText string

var jobsPage = template.Must(template.New("jobs").Parse(jobsText))

// showJobs serves the page of jobs.
func (s *Server) showJobs(w http.ResponseWriter, r *http.Request) {
	list, err := s.deps.Jobs.List(r.Context())
	if err != nil {
		http.Error(w, "the database is unavailable", http.StatusServiceUnavailable)
		return
	}
	var page bytes.Buffer
	if err := jobsPage.Execute(&page, list); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeAdminPage(w, page.Bytes(), "same-origin") // the buttons of the page need an Origin
}

// changeJob returns the handler of a button on the page of jobs. Browsers may
// use it from that page alone.
func (s *Server) changeJob(what string, change func(context.Context, int64) error) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err == nil {
			err = change(r.Context(), id)
		} else {
			err = jobs.ErrNotFound
		}
		switch {
		case errors.Is(err, jobs.ErrNotFound):
			http.Error(w, "there is no such job", http.StatusNotFound)
		case err != nil:
			s.log.Warn("cannot "+what+" a job", "job", id, "error", err)
			http.Error(w, "the database is unavailable", http.StatusServiceUnavailable)
		default:
			s.log.Info("an operator changed a job", "job", id, "change", what)
			http.Redirect(w, r, "/jobs", http.StatusSeeOther)
		}
	}))
}

// jobCollector reads the statistics of the queue when it is scraped.
type jobCollector struct{ queue *jobs.Queue }

var (
	jobsByState  = prometheus.NewDesc("queue_jobs", "Jobs in the database, by state; NaN if the database does not respond.", []string{"state"}, nil)
	jobOldestDue = prometheus.NewDesc("job_oldest_due_seconds", "How long the oldest job that is due has been waiting; NaN if the database does not respond.", nil, nil)
	jobAttempts  = prometheus.NewDesc("job_attempts_total", "Attempts of jobs that this replica has made, by kind and outcome.", []string{"kind", "outcome"}, nil)
	jobDuration  = prometheus.NewDesc("job_duration_seconds", "Time that the attempts of jobs took, by kind.", []string{"kind"}, nil)
)

// jobCountTimeout limits how long a scrape waits for the database.
const jobCountTimeout = time.Second

func (c jobCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{jobsByState, jobOldestDue, jobAttempts, jobDuration} {
		ch <- d
	}
}

func (c jobCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), jobCountTimeout)
	defer cancel()
	n, err := c.queue.Count(ctx)
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		if err != nil {
			v = math.NaN()
		}
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for state, count := range map[string]int64{
		"due": n.Due, "scheduled": n.Scheduled, "retryable": n.Retryable, "running": n.Running, "discarded": n.Discarded,
	} {
		gauge(jobsByState, float64(count), state)
	}
	gauge(jobOldestDue, n.OldestDue)
	for kind, k := range c.queue.Stats() {
		attempts := uint64(0)
		for outcome, count := range k.Attempts {
			attempts += count
			ch <- prometheus.MustNewConstMetric(jobAttempts, prometheus.CounterValue, float64(count), kind, string(outcome))
		}
		ch <- prometheus.MustNewConstSummary(jobDuration, attempts, k.Duration.Seconds(), nil, kind)
	}
}
