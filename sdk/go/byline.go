// Package byline is the Go client of Byline, a headless publishing API.
//
// It is the generated client, so that every operation of the document is
// there, plus what a generator does not give: the token, retries that cannot
// create anything twice, answers reused by their entity tag, errors as Go
// values, and iterators over paged lists and exports.
//
//	c, err := byline.New("https://byline.example.com", byline.WithToken(token))
//	for article, err := range c.Articles(ctx, nil) { … }
//
// Every method whose name ends in WithResponse returns an error for every
// answer that is not a success, and that error is an [*Error]; when there is
// none, the member for the operation's success, such as JSON200, is set.
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

// basePath is where the document (its servers member) puts the API.
const basePath = "/api"

// Client calls a Byline service. It may be used by several goroutines at once.
type Client struct {
	*client.ClientWithResponses
	url  string
	doer doer
}

// Option configures a Client.
type Option func(*doer)

// WithToken sends a token that registration or sign-in has given.
func WithToken(token string) Option {
	return WithTokenFunc(func(context.Context) (string, error) { return token, nil })
}

// WithTokenFunc asks for the token at each call, so that it can be renewed.
// An empty one makes the call anonymous.
func WithTokenFunc(token func(context.Context) (string, error)) Option {
	return func(d *doer) { d.token = token }
}

// WithHTTPClient sends requests through h, for a transport, a proxy or a time
// limit of your own. The default gives each attempt 30 seconds.
func WithHTTPClient(h *http.Client) Option { return func(d *doer) { d.http = h } }

// WithRetry changes how failed calls are repeated; a zero Retry turns it off.
func WithRetry(r Retry) Option { return func(d *doer) { d.retry = r } }

// WithCache bounds the bytes of answers that are kept to be reused when their
// entity tag still holds; 0 keeps none. The default is 8 MiB.
func WithCache(bytes int) Option { return func(d *doer) { d.cache = newCache(bytes) } }

// New returns a client of the service at baseURL, such as
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

// WithToken returns a client that differs in its token only. Both share
// connections and kept answers, each of which only the token that read it
// gets.
func (c *Client) WithToken(token string) *Client {
	with, _ := c.with(WithToken(token)) // its address is known to be good
	return with
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

// What calls take and give, so that most programs import this package only.
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

// Nullable is a member that is a value, null or, in a change, absent.
type Nullable[T any] = nullable.Nullable[T]

// Value makes a Nullable that has a value.
func Value[T any](v T) Nullable[T] { return nullable.NewNullableWithValue(v) }

// Null makes a Nullable that is null, which clears it in a change.
func Null[T any]() Nullable[T] { return nullable.NewNullNullable[T]() }
