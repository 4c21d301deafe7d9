// Package byline is the Go client of Byline, a headless publishing API.
//
// It wraps the generated client, which has every operation of openapi.yaml, and
// adds authentication, retries that cannot create anything twice, a cache that
// revalidates responses by their entity tag, typed errors, and iterators over
// paged lists and exports.
//
//	c, err := byline.New("https://byline.example.com", byline.WithToken(token))
//	for article, err := range c.Articles(ctx, nil) { … }
//
// A method whose name ends in WithResponse returns an [*Error] for every
// response that is not a success. If it returns no error, the field for the
// success status of the operation, such as JSON200, is set.
package byline

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/gen/client"
)

// basePath is the path prefix of the API, as in the servers field of
// openapi.yaml.
const basePath = "/api"

// Client is a client of a Byline service. It is safe for concurrent use.
type Client struct {
	*client.ClientWithResponses
	url  string
	doer doer
}

// Option configures a Client.
type Option func(*doer)

// WithToken authenticates requests with a token that registration or sign-in
// has returned.
func WithToken(token string) Option {
	return WithTokenFunc(func(context.Context) (string, error) { return token, nil })
}

// WithTokenFunc calls token before each request, so that the token can be
// renewed. If it returns an empty token, the request is anonymous.
func WithTokenFunc(token func(context.Context) (string, error)) Option {
	return func(d *doer) { d.token = token }
}

// WithHTTPClient sends requests with h, which can have its own transport, proxy
// or timeout. The default client has a timeout of 30 seconds per attempt.
func WithHTTPClient(h *http.Client) Option { return func(d *doer) { d.http = h } }

// WithRetry sets how failed requests are retried. A zero Retry disables
// retries.
func WithRetry(r Retry) Option { return func(d *doer) { d.retry = r } }

// WithCache sets the maximum size of the response cache in bytes. Cached
// responses are reused if the service confirms their entity tag. 0 disables the
// cache. The default is 8 MiB.
func WithCache(bytes int) Option { return func(d *doer) { d.cache = newCache(bytes) } }

// New returns a client for the service at baseURL, such as
// "https://byline.example.com".
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("byline: %w", err)
	}
	if u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("byline: %q is not an absolute URL", baseURL)
	}
	c := &Client{
		url: strings.TrimSuffix(strings.TrimRight(baseURL, "/"), basePath) + basePath,
		doer: doer{
			http:  &http.Client{Timeout: 30 * time.Second},
			retry: Retry{Attempts: 4, Base: 200 * time.Millisecond, Max: 30 * time.Second},
			cache: newCache(8 << 20),
		},
	}
	return c.with(options...)
}

// WithToken returns a client that differs in its token only. Both clients share
// their connections and the cache. A cached response is only returned to the
// token that requested it.
func (c *Client) WithToken(token string) *Client {
	next, _ := c.with(WithToken(token)) // the base URL is known to be valid
	return next
}

func (c *Client) with(options ...Option) (*Client, error) {
	next := &Client{url: c.url, doer: c.doer}
	for _, option := range options {
		option(&next.doer)
	}
	var err error
	next.ClientWithResponses, err = client.NewClientWithResponses(next.url, client.WithHTTPClient(&next.doer))
	return next, err
}

// These types are the requests and responses of the most common operations, so
// that most programs need to import this package only.
type (
	Email          = client.Email
	User           = client.User
	Profile        = client.Profile
	Article        = client.Article
	ArticleSummary = client.ArticleSummary
	Comment        = client.Comment

	NewUser       = client.NewUser
	LoginUser     = client.LoginUser
	UpdateUser    = client.UpdateUser
	NewArticle    = client.NewArticle
	UpdateArticle = client.UpdateArticle
	NewComment    = client.NewComment

	NewUserRequest       = client.NewUserRequest
	LoginUserRequest     = client.LoginUserRequest
	UpdateUserRequest    = client.UpdateUserRequest
	NewArticleRequest    = client.NewArticleRequest
	UpdateArticleRequest = client.UpdateArticleRequest
	NewCommentRequest    = client.NewCommentRequest
	ArticleBatchRequest  = client.ArticleBatchRequest
	ProfileBatchRequest  = client.ProfileBatchRequest

	ArticlesParams      = client.GetArticlesParams
	FeedParams          = client.GetArticlesFeedParams
	CommentsParams      = client.GetArticleCommentsParams
	UpdateArticleParams = client.UpdateArticleParams
	DeleteArticleParams = client.DeleteArticleParams
	CreateUserParams    = client.CreateUserParams
	CreateArticleParams = client.CreateArticleParams
	CreateCommentParams = client.CreateArticleCommentParams
)

// Nullable is a field that is a value, null or, in an update, absent.
type Nullable[T any] = nullable.Nullable[T]

// Value returns a Nullable with the value v.
func Value[T any](v T) Nullable[T] { return nullable.NewNullableWithValue(v) }

// Null returns a Nullable that is null, which clears the field in an update.
func Null[T any]() Nullable[T] { return nullable.NewNullNullable[T]() }
