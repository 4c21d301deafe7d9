package load

import (
	"fmt"
	"net/http"
	"time"
)

// overload reports whether a failed request with this status tells that the
// server has too much to do. 0 means that there was no complete response. Other
// errors, such as the status 500, are mistakes of the server at any rate.
func overload(status int) bool {
	switch status {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// A rate is kept up if at most refusedShare of the requests are refused, and
// if the schedule is at most maxLag, or lagShare of the measured time if that
// is longer, behind at the end.
const (
	refusedShare = .01
	lagShare     = .05
	maxLag       = 100 * time.Millisecond
	// busyShare is the share of the connections that wait for responses when
	// all of them are considered busy.
	busyShare = .9
)

// Behind returns why the rate of the open loop p was not kept up, or "".
func (r *Result) Behind(p Plan) string {
	if float64(r.Refused) > refusedShare*float64(r.Requests) {
		return fmt.Sprintf("errors: %d of %d requests had no response, or one with the status 429, 502, 503 or 504", r.Refused, r.Requests)
	}
	lag := time.Duration(float64(r.Waiting) / p.Rate * float64(time.Second))
	if lag <= max(maxLag, time.Duration(lagShare*float64(p.Measure))) && r.Unsent == 0 {
		return ""
	}
	text := fmt.Sprintf("%d requests, %s of the schedule, were still to be sent at the end of the measured time", r.Waiting, lag.Round(time.Millisecond))
	if r.InFlight >= busyShare*float64(p.Connections) {
		return fmt.Sprintf("too many requests in flight: all %d connections waited for responses, and %s", p.Connections, text)
	}
	return fmt.Sprintf("schedule lag: %s, although only %.0f of %d connections waited for responses; the benchmark itself had too little processor time", text, r.InFlight, p.Connections)
}
