package strangle

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/byline-api/byline/server/strangle/compare"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("strangle").Parse(pageText))

// Admin returns the handler of the admin port. Only operators may reach it.
func (p *Proxy) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.newRegistry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /mode", p.showModes)
	mux.HandleFunc("PUT /mode", p.changeModes(func(Modes) Modes { return Modes{} }))
	mux.HandleFunc("PATCH /mode", p.changeModes(maps.Clone[Modes]))
	mux.HandleFunc("POST /mode", p.changeByPage)
	mux.HandleFunc("POST /rollback", p.rollback)
	mux.HandleFunc("GET /differences", p.showDifferences)
	mux.HandleFunc("DELETE /differences", p.clearDifferences)
	mux.HandleFunc("POST /differences/clear", p.clearDifferences)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /{$}", p.showPage)
	return knownHosts(p.cfg.AdminHosts, http.NewCrossOriginProtection().Handler(mux))
}

// knownHosts accepts as the host only IP addresses, localhost and some names.
// Another site can let its own name resolve to this port (DNS rebinding), and its
// scripts could use the port then.
func knownHosts(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(strings.TrimSuffix((&url.URL{Host: r.Host}).Hostname(), "."))
		named := func(name string) bool { return strings.EqualFold(name, host) }
		if _, err := netip.ParseAddr(host); err != nil && !strings.HasSuffix("."+host, ".localhost") && !slices.ContainsFunc(names, named) {
			http.Error(w, "the host must be an IP address, localhost, or a name in adminHosts", http.StatusMisdirectedRequest)
			return
		}
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.Error(w, "this page cannot be opened from another site; enter its address in the browser", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// state is what GET /mode returns.
type state struct {
	Modes      Modes            `json:"modes"`
	Operations []operationState `json:"operations"`
	// Waiting counts requests that wait because of the mode hold, and OldWrites
	// the writes that the old system works on.
	Waiting     int64 `json:"waiting"`
	OldWrites   int64 `json:"oldWrites"`
	BreakerOpen bool  `json:"breakerOpen"`
	// Drained is set in the response to a change that was to wait until the old
	// system works on no write, and gets none.
	Drained *bool `json:"drained,omitempty"`
	// OldWriters are the operations whose writes still go to the old system, if
	// Drained is set.
	OldWriters []string `json:"oldWriters,omitempty"`
}

type operationState struct {
	Operation string `json:"operation"`
	Tag       string `json:"tag"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Mode      string `json:"mode"`
	By        string `json:"by"` // the name in modes that decided it
}

func (p *Proxy) state() state {
	t := p.table.Load()
	s := state{Modes: t.settings.Modes, Waiting: p.waiting.requests.Load(), OldWrites: p.writing.Load(), BreakerOpen: p.breaker.open()}
	for _, op := range p.operations {
		s.Operations = append(s.Operations, operationState{op.id, op.tag, op.method, op.path, t.modes[op.index].String(), t.by[op.index]})
	}
	return s
}

func (p *Proxy) showModes(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.state()) }

// maxModes bounds the body of a change.
const maxModes = 64 << 10

// changeModes returns a handler that takes modes by name. start returns the
// modes to which they are added; null removes one.
func (p *Proxy) changeModes(start func(Modes) Modes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wait := time.Duration(0)
		if text := r.URL.Query().Get("wait"); text != "" {
			var err error
			if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxWait {
				http.Error(w, "wait must be a time of up to 5m, such as 30s", http.StatusUnprocessableEntity)
				return
			}
		}
		changes, err := readModes(http.MaxBytesReader(w, r.Body, maxModes))
		if err == nil {
			err = p.change(byAPI, func(s Settings) (Settings, error) {
				s.Modes = start(s.Modes)
				for name, mode := range changes {
					if mode == nil {
						delete(s.Modes, name)
					} else {
						s.Modes[name] = *mode
					}
				}
				return s, nil
			})
		}
		if err != nil {
			writeChangeError(w, err)
			return
		}
		after := p.state()
		if wait > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), wait)
			defer cancel()
			writers, drained := p.Drained(ctx)
			after = p.state()
			after.Drained, after.OldWriters = &drained, writers
		}
		writeJSON(w, after)
	}
}

// maxWait bounds how long a change waits for the writes in flight.
const maxWait = 5 * time.Minute

func readModes(body io.Reader) (changes map[string]*string, err error) {
	d := json.NewDecoder(body)
	if err := d.Decode(&changes); err != nil || changes == nil {
		return nil, errors.New(`the body must be an object such as {"default": "old", "GetArticles": "10%"}`)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the body must be one object")
	}
	return changes, nil
}

// writeChangeError says why a change failed. A change that counts but is not
// saved is an error too, because a restart would undo it.
func writeChangeError(w http.ResponseWriter, err error) {
	status := http.StatusUnprocessableEntity
	if errors.Is(err, errNotSaved) {
		status = http.StatusInternalServerError
	}
	http.Error(w, err.Error(), status)
}

// changeByPage is the form of the page. An empty mode removes the one that the
// operation has for itself.
func (p *Proxy) changeByPage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxModes)
	name, mode := r.PostFormValue("name"), strings.TrimSpace(r.PostFormValue("mode"))
	err := p.change(byPage, func(s Settings) (Settings, error) {
		if s.Modes == nil {
			s.Modes = Modes{}
		}
		if s.Modes[name] = mode; mode == "" {
			delete(s.Modes, name)
		}
		return s, nil
	})
	if err != nil {
		writeChangeError(w, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Proxy) rollback(w http.ResponseWriter, r *http.Request) {
	if err := p.Rollback(); err != nil {
		writeChangeError(w, err)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	writeJSON(w, p.state())
}

// differences is what GET /differences returns.
type differences struct {
	Differences []compare.Group `json:"differences"`
	// NotRecorded counts those for which there was no room.
	NotRecorded int64                       `json:"notRecorded"`
	Comparisons map[string]map[string]int64 `json:"comparisons"` // by operation and result
}

func (p *Proxy) showDifferences(w http.ResponseWriter, _ *http.Request) {
	d := differences{Comparisons: map[string]map[string]int64{}}
	d.Differences, d.NotRecorded = p.book.Groups()
	for _, op := range p.operations {
		results := map[string]int64{}
		for o := range outcomes {
			if n := p.traffic.operations[op.index].outcomes[o].Load(); n > 0 {
				results[o.String()] = n
			}
		}
		if len(results) > 0 {
			d.Comparisons[op.id] = results
		}
	}
	writeJSON(w, d)
}

func (p *Proxy) clearDifferences(w http.ResponseWriter, r *http.Request) {
	p.book.Clear()
	p.log.Info("the differences were cleared")
	if r.Method == http.MethodPost {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the client may be gone
}

// showPage serves the page for people.
func (p *Proxy) showPage(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer
	if err := page.Execute(&text, p.view()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // the buttons of the page need an Origin
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes())
}
