package server

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/byline-api/byline/api/mail"
)

//go:embed mails.html
var mailsText string

var mailsPage = template.Must(template.New("mails").Parse(mailsText))

// showMails serves the page of mails: developers read the mails that the
// service does not send, and operators see those that could not be sent.
func (s *Server) showMails(w http.ResponseWriter, r *http.Request) {
	unsent, err := s.deps.Mail.Unsent(r.Context())
	if err != nil {
		http.Error(w, "the database is unavailable", http.StatusServiceUnavailable)
		return
	}
	var page bytes.Buffer
	if err := mailsPage.Execute(&page, struct {
		Shown  []mail.Message
		Unsent []mail.Unsent
	}{s.deps.Mail.Shown(), unsent}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeAdminPage(w, page.Bytes(), "no-referrer")
}

// mailCollector reads the courier's statistics when it is scraped.
type mailCollector struct{ courier *mail.Courier }

var mailAttempts = prometheus.NewDesc("mail_attempts_total",
	"Attempts to send a mail, by outcome: sent, deferred until the next attempt, or given up.", []string{"outcome"}, nil)

func (c mailCollector) Describe(ch chan<- *prometheus.Desc) { ch <- mailAttempts }

func (c mailCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.courier.Stats()
	for outcome, n := range map[string]int64{"sent": s.Sent, "deferred": s.Deferred, "given_up": s.GivenUp} {
		ch <- prometheus.MustNewConstMetric(mailAttempts, prometheus.CounterValue, float64(n), outcome)
	}
}
