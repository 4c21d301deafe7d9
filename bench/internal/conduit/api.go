// Package conduit implements the RealWorld contract: it reads the contents of a
// server, signs users in, creates the requests of the scenarios, and checks the
// responses.
package conduit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/byline-api/byline/bench/internal/load"
)

// Site is the address of a server under test.
type Site struct {
	Addr string // host:port to connect to
	Host string // value of the Host field
	Base string // path of the API, without a slash at the end
}

// ParseURL parses the URL of an API. It refuses addresses beyond reach, because
// a load test of somebody else's machine is an attack.
func ParseURL(ctx context.Context, text string, reach Reach) (Site, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Site{}, err
	}
	if u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" {
		return Site{}, errors.New("must be http://host:port/path, such as http://127.0.0.1:3000/api")
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", u.Hostname())
	if err != nil {
		return Site{}, err
	}
	for _, ip := range ips {
		if err := reach.permits(u.Hostname(), ip); err != nil {
			return Site{}, err
		}
	}
	// A Node server may listen on only one of 127.0.0.1 and ::1.
	slices.SortStableFunc(ips, func(a, b net.IP) int { return len(b.To4()) - len(a.To4()) })
	addr := net.JoinHostPort(ips[0].String(), port)
	for _, ip := range ips {
		candidate := net.JoinHostPort(ip.String(), port)
		if conn, err := net.DialTimeout("tcp", candidate, time.Second); err == nil {
			_ = conn.Close()
			addr = candidate
			break
		}
	}
	base := u.EscapedPath()
	for len(base) > 0 && base[len(base)-1] == '/' {
		base = base[:len(base)-1]
	}
	return Site{Addr: addr, Host: u.Host, Base: base}, nil
}

// text is a type that can be appended to a byte slice.
type text interface{ ~string | ~[]byte }

// request appends a complete request. The path starts with a slash and is
// escaped; token and body may be empty.
func request[P, B text](to []byte, s *Site, method string, path P, token string, body B) []byte {
	to = append(to, method...)
	to = append(to, ' ')
	to = append(to, s.Base...)
	to = append(to, path...)
	to = append(to, " HTTP/1.1\r\nHost: "...)
	to = append(to, s.Host...)
	if token != "" {
		to = append(to, "\r\nAuthorization: Token "...)
		to = append(to, token...)
	}
	if method != "GET" {
		to = append(to, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		to = strconv.AppendInt(to, int64(len(body)), 10)
	}
	to = append(to, "\r\n\r\n"...)
	return append(to, body...)
}

// client makes single requests, for preparations and audits.
type client struct {
	site Site
	conn load.Conn
	buf  []byte
}

func newClient(site Site) *client { return &client{site: site, conn: load.Conn{Addr: site.Addr}} }

func (c *client) close() { c.conn.Close() }

// RateLimitHint tells what to do when a response has the status 429.
const RateLimitHint = "disable the rate limits of the server for the benchmark; a Byline has none with BYLINE_RATE_LIMIT=off"

// callTimeout limits one request. A server under load that hashes passwords
// slowly may need this long.
const callTimeout = 30 * time.Second

// call sends a request and decodes its response into out, unless out is nil.
// Statuses other than 2xx are errors.
func (c *client) call(method, path, token, body string, out any) error {
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	c.buf = request(c.buf[:0], &c.site, method, path, token, body)
	res, err := c.conn.Do(c.buf)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.Status < 200 || res.Status > 299 {
		err := statusError{res.Status, excerpt(res.Body)}
		if err.text == "" {
			err.text = Printable(string(res.Body[:min(len(res.Body), 200)]))
		}
		if res.Status == http.StatusTooManyRequests {
			return fmt.Errorf("%s %s: %w; %s", method, path, err, RateLimitHint)
		}
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(res.Body, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// These types are the parts of the responses that are checked.
type (
	author struct {
		Username   string
		Bio, Image *string
		Following  bool
	}
	article struct {
		Slug, Title    string
		Status         string // of an article in a list of its author or of editors
		Description    string
		Body           *string
		TagList        []string
		CreatedAt      time.Time
		UpdatedAt      time.Time
		Favorited      bool
		FavoritesCount int
		Author         author
	}
	articleAnswer struct{ Article article }
	listAnswer    struct {
		Articles      []article
		ArticlesCount *int
		NextCursor    *string
	}
	comment struct {
		ID        json.Number
		Body      string
		ParentID  json.RawMessage // nil without threads
		CreatedAt time.Time
		Author    author
	}
	commentAnswer  struct{ Comment comment }
	commentsAnswer struct{ Comments []comment }
	profileAnswer  struct{ Profile author }
	tagsAnswer     struct{ Tags []string }
	userAnswer     struct {
		User struct{ Username, Email, Token string }
	}
)

// object returns {"name": v}, the form of request bodies in the contract.
func object(name string, v any) string {
	b, err := json.Marshal(map[string]any{name: v})
	if err != nil {
		panic(err) // maps of strings can be encoded
	}
	return string(b)
}
