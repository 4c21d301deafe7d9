package purge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/byline-api/byline/db/changes"
)

const (
	// postTimeout bounds one request to an edge, and sendTimeout all requests of
	// a batch.
	postTimeout = 5 * time.Second
	sendTimeout = 10 * time.Second
	// maxRequests bounds the requests of a batch. More than they can name is
	// purged as everything.
	maxRequests = 10
	// maxResponse is how much of an edge's response is read, so that the
	// connection can be used again.
	maxResponse = 64 << 10
)

// An edge is what receives purges at one URL.
type edge struct {
	url    string
	host   string // for logs, since the rest of the URL may be a secret
	format Format
	header Header
	client *http.Client
}

func newEdge(cfg Config, at string) *edge {
	e := &edge{url: at, format: cfg.Format, header: cfg.Header}
	if u, err := url.Parse(at); err == nil {
		e.host = u.Host
	}
	e.client = &http.Client{
		Timeout:   postTimeout,
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
		// The header is for this URL only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return e
}

// most returns how many keys a request may name.
func (e *edge) most() int {
	if e.format == CacheTag {
		return 100
	}
	return 256
}

// send tells the edge what has changed, in as many requests as it takes. It
// returns how many keys it has named.
func (e *edge) send(ctx context.Context, b changes.Batch) (count int, err error) {
	all := names(b)
	if len(all) > maxRequests*e.most() {
		all = names(changes.Batch{All: true})
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	for some := range slices.Chunk(all, e.most()) {
		if err := e.post(ctx, some); err != nil {
			return count, err
		}
		count += len(some)
	}
	return count, nil
}

// post sends one request. Its error has neither the URL nor the header, which
// may be secrets.
func (e *edge) post(ctx context.Context, keys []string) error {
	var body []byte
	if e.format == CacheTag {
		body, _ = json.Marshal(map[string][]string{"tags": keys}) // texts can be encoded
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is invalid")
	}
	if e.format == CacheTag {
		req.Header.Set("Content-Type", "application/json")
	} else {
		req.Header.Set(e.format.Field(), strings.Join(keys, " "))
	}
	if e.header.Name != "" {
		req.Header.Set(e.header.Name, e.header.Value)
	}
	res, err := e.client.Do(req)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxResponse) // only the status counts
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the response has status %d", res.StatusCode)
	}
	return nil
}
