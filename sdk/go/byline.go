// Package byline is the Go client of Byline, a headless publishing API. It
// depends on the standard library only.
//
// A [Client] has a field for each resource with a method for each operation of
// the API:
//
//	c, err := byline.New("https://byline.example.com")
//	// … check err
//	c, err = c.SignIn(ctx, "gwen@example.com", "correct horse")
//	// … check err
//	article, err := c.Articles.Create(ctx, byline.NewArticle{
//		Title: "Hello", Description: "A first article", Body: "It *works*.",
//	})
//	for article, err := range c.Articles.ListAll(ctx, nil) { … }
//
// # Authentication
//
// [Client.SignIn] returns a client whose session renews itself. For a token or
// an API key that the program already has, use [WithToken], [WithTokenFunc] or
// [Client.WithToken]. A [SessionStore] keeps a session when the program ends.
//
// # Errors
//
// A method returns an [*Error] for a response that is not a success. Use
// [errors.As] for its details, or [errors.Is] with a [Code]:
//
//	if errors.Is(err, byline.CodeNotFound) { … }
//
// It returns a [*ConnectionError] if there was no response, and a
// [*NotBylineError] if the address is not that of a Byline service.
//
// # Retries
//
// Every request is retried if there is no connection or the status is 425 or
// 429, because it has had no effect. Reads, and operations that accept an
// Idempotency-Key, which the client adds, are also retried if there is no
// response or the status is 408, 502, 503 or 504.
//
// # Responses
//
// The option [Into] gives access to the header, the entity tag, the request id
// and the rate limit of a response. Responses to reads are cached and
// revalidated with the service by their entity tag, so that they are never
// stale.
package byline

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// basePath is the path prefix of the API, as in the servers field of
// openapi.yaml.
const basePath = "/api"

// core has what all services of a client share.
type core struct {
	base    string
	http    *http.Client
	timeout time.Duration
	retry   Retry
	cache   *cache
	hooks   []Hooks
	agent   string
	token   func(context.Context) (string, error)
	session *current
	store   SessionStore
}

// Option configures a [Client].
type Option func(*core)

// WithToken authenticates requests with a token that registration or sign-in
// has returned, or with an API key.
func WithToken(token string) Option {
	return WithTokenFunc(func(context.Context) (string, error) { return token, nil })
}

// WithTokenFunc calls token before each request. If it returns an empty token,
// the request is anonymous.
func WithTokenFunc(token func(context.Context) (string, error)) Option {
	return func(c *core) { c.token, c.session = token, nil }
}

// WithSessionStore keeps the session of the client in store. The client begins
// with the session that the store has, if it has one. Several programs can share
// a store.
func WithSessionStore(store SessionStore) Option {
	return func(c *core) { c.store, c.session, c.token = store, &current{store: store}, nil }
}

// WithHTTPClient sends requests with h, which can have its own transport or
// proxy.
func WithHTTPClient(h *http.Client) Option { return func(c *core) { c.http = h } }

// WithTimeout sets the time limit of each attempt, and of each wait for data of
// an export. The default is 30 seconds. With 0 there is no limit.
func WithTimeout(limit time.Duration) Option { return func(c *core) { c.timeout = limit } }

// WithRetry sets how failed requests are retried. A zero Retry disables
// retries.
func WithRetry(r Retry) Option { return func(c *core) { c.retry = r } }

// WithCache sets the maximum size of the response cache in bytes. 0 disables the
// cache. The default is 8 MiB.
func WithCache(bytes int) Option { return func(c *core) { c.cache = newCache(bytes) } }

// WithHooks calls the functions of h around each attempt. With several hooks,
// they are called in the order of the options.
func WithHooks(h Hooks) Option {
	return func(c *core) { c.hooks = append(c.hooks[:len(c.hooks):len(c.hooks)], h) }
}

// WithAppName adds the name of the application, such as "myapp/1.2", to the
// User-Agent.
func WithAppName(name string) Option {
	return func(c *core) { c.agent = strings.TrimSpace(userAgent() + " " + name) }
}

func userAgent() string {
	return fmt.Sprintf("byline-go/%s (%s; %s/%s)", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// credentials matches what may be a password in an address that is not one: all
// before an @, and a port that is not a number.
var credentials = regexp.MustCompile(`^.*(@)|(:)[^/?#]*[^/?#0-9][^/?#]*`)

// New returns a client for the service at baseURL, such as
// "https://byline.example.com".
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("byline: %q is not the address of a service, such as https://example.com",
			credentials.ReplaceAllString(baseURL, "${2}[hidden]${1}"))
	}
	c := &core{
		base:    strings.TrimSuffix(strings.TrimRight(u.String(), "/"), basePath) + basePath,
		http:    &http.Client{},
		timeout: 30 * time.Second,
		retry:   Retry{Attempts: 4, Base: 200 * time.Millisecond, Max: 30 * time.Second},
		cache:   newCache(8 << 20),
		agent:   userAgent(),
		hooks:   logHooks(os.Getenv("BYLINE_LOG")),
	}
	return newClient(c.with(options)), nil
}

// With returns a client that differs in options. Both clients share their
// connections and, unless an option says otherwise, the cache and the session.
func (c *Client) With(options ...Option) *Client { return newClient(c.core.with(options)) }

// WithToken returns a client that differs in its token only. A cached response
// is only returned to the token that requested it.
func (c *Client) WithToken(token string) *Client { return c.With(WithToken(token)) }

func (c *core) with(options []Option) *core {
	next := *c
	for _, option := range options {
		option(&next)
	}
	if next.http.CheckRedirect == nil {
		// The service does not redirect. A redirect would turn POST into GET and
		// hide that the address is wrong.
		h := *next.http
		h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		next.http = &h
	}
	return &next
}

// Ptr returns a pointer to v, for the optional members of a change.
func Ptr[T any](v T) *T { return &v }
