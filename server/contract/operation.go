package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
)

// Security says whether an operation needs a token.
type Security int

// With None, a token is ignored. With Optional, it may be sent. With Required,
// it must be sent.
const (
	None Security = iota
	Optional
	Required
)

func (s Security) String() string { return [...]string{"none", "optional", "required"}[s] }

// Cache is an operation's cache policy.
type Cache struct {
	Scope  string `json:"scope"`  // none, private or shared
	MaxAge int    `json:"maxAge"` // seconds
}

// Operation is one operation of the document and what it declares.
type Operation struct {
	ID       string // operationId; metrics, logs and traces are labelled by it
	Tag      string
	Method   string
	Route    string // in the form of Echo, with the base path: /api/articles/:slug
	Path     string // in the form of the document: /articles/{slug}
	Security Security
	// Scope is the scope that a credential must have; none without security.
	Scope auth.Scope
	// Role is the lowest role that the viewer may have.
	Role       auth.Role
	RateLimit  string // read, write or auth
	Cache      Cache
	MaxBody    int64 // bytes; 0 when the operation takes no body
	Idempotent bool  // takes an Idempotency-Key
	// Safe reports whether a request changes nothing (RFC 9110, section 9.2.1).
	Safe bool
	// Targets are the objects that the path names, in its order.
	Targets []Target
	// Owner is the kind of the target that only its owner may use; others get
	// 403, except editors for an article. It is "" where there is none.
	Owner string
	// Stream reports whether the response is sent while it is generated, since
	// it is too long to be buffered.
	Stream bool
	// Secret reports whether a response contains a secret, so that no cache may
	// store it.
	Secret   bool
	Statuses []int // every status that it declares, ascending
	// MaxCondition is how long If-None-Match may be, in characters; 0 when the
	// operation does not take it.
	MaxCondition int
	// ReportsUnknownQuery reports whether the response names the parameters that
	// the operation does not know. Other operations refuse them.
	ReportsUnknownQuery bool
	// Deprecation is nil unless the operation is deprecated.
	Deprecation *Deprecation

	declared     *openapi3.Operation
	path         []*param
	query        []*param
	headers      []*param
	body         *openapi3.Schema // nil when the operation takes none
	longest      int              // the largest maxItems in body
	bodyRequired bool
	refused      map[string]string // of x-refused, by the folded name
}

// maxQuery is how many query parameters an operation may declare: a bit of a
// word says whether one was given.
const maxQuery = 64

const (
	// idempotencyKey is the header of
	// draft-ietf-httpapi-idempotency-key-header.
	idempotencyKey = "Idempotency-Key"
	ifNoneMatch    = "If-None-Match"
)

// newOperation returns what an operation declares. The error lists everything
// that the declaration lacks.
func newOperation(method, path string, o *openapi3.Operation, shared openapi3.Parameters) (*Operation, error) {
	op := &Operation{ID: o.OperationID, Method: method, Path: path, declared: o}
	var gaps []error
	gap := func(format string, args ...any) { gaps = append(gaps, fmt.Errorf(format, args...)) }

	if o.OperationID == "" {
		gap("lacks operationId")
	}
	if o.Summary == "" {
		gap("lacks summary")
	}
	if o.Description == "" {
		gap("lacks description")
	}
	if len(o.Tags) == 1 {
		op.Tag = o.Tags[0]
	} else {
		gap("must have one tag, has %d", len(o.Tags))
	}
	if o.Security == nil {
		gap("lacks security (write [] for none)")
	} else {
		op.Security = security(*o.Security)
	}
	gaps = append(gaps, op.readPowers(o.Extensions))
	gaps = append(gaps, op.readExtensions(o.Extensions), op.readSafe(o.Extensions), op.readDeprecation(o))
	params := slices.Concat(shared, o.Parameters)
	gaps = append(gaps, op.readParams(params))
	if o.RequestBody != nil {
		gaps = append(gaps, op.readBody(o.RequestBody.Value))
	} else if op.MaxBody != 0 {
		gap("has x-max-body but takes no body")
	}
	for code := range o.Responses.Map() {
		status, err := strconv.Atoi(code)
		if err != nil {
			gap("response %q must be one status", code)
			continue
		}
		op.Statuses = append(op.Statuses, status)
	}
	slices.Sort(op.Statuses)
	gaps = append(gaps, op.readSecrets(o.Responses), op.readTargets(params), op.readOwner(o.Extensions))
	gaps = append(gaps, op.readUnknownQuery(o.Extensions), op.readRefused(o.Extensions))
	return op, errors.Join(gaps...)
}

// readPowers reads x-scope and x-role. In OpenAPI 3.0, security has scopes only
// for OAuth 2, which the service does not use.
func (op *Operation) readPowers(extensions map[string]any) (err error) {
	scope, scoped := extensions["x-scope"].(string)
	switch {
	case scoped != (op.Security != None):
		return errors.New("must have both security and x-scope, or neither")
	case scoped:
		if op.Scope, err = auth.ParseScope(scope); err != nil {
			return fmt.Errorf("x-scope: %w", err)
		}
	}
	if role, found := extensions["x-role"].(string); found {
		if op.Security != Required {
			return errors.New("has x-role but needs no token")
		}
		if op.Role, err = auth.ParseRole(role); err != nil {
			return fmt.Errorf("x-role: %w", err)
		}
	}
	return nil
}

func security(requirements openapi3.SecurityRequirements) Security {
	if len(requirements) == 0 {
		return None
	}
	for _, r := range requirements {
		if len(r) == 0 {
			return Optional
		}
	}
	return Required
}

func (op *Operation) readExtensions(extensions map[string]any) error {
	var gaps []error
	read := func(name string, into any) bool {
		value, found := extensions[name]
		if !found {
			return false
		}
		encoded, err := json.Marshal(value)
		if err == nil {
			err = json.Unmarshal(encoded, into)
		}
		if err != nil {
			gaps = append(gaps, fmt.Errorf("%s: %w", name, err))
		}
		return true
	}
	if read("x-rate-limit", &op.RateLimit); !slices.Contains([]string{"read", "write", "auth"}, op.RateLimit) {
		gaps = append(gaps, errors.New("x-rate-limit must be read, write or auth"))
	}
	cache := struct {
		Cache
		MaxAge *int `json:"maxAge"`
	}{}
	read("x-cache", &cache)
	op.Cache.Scope = cache.Scope
	switch cache.Scope {
	case "none":
	case "private", "shared":
		if cache.MaxAge == nil || *cache.MaxAge < 0 {
			gaps = append(gaps, errors.New("x-cache lacks maxAge in seconds"))
			break
		}
		op.Cache.MaxAge = *cache.MaxAge
	default:
		gaps = append(gaps, errors.New("x-cache must have a scope of none, private or shared"))
	}
	read("x-max-body", &op.MaxBody)
	read("x-idempotent", &op.Idempotent)
	if read("x-stream", &op.Stream); op.Stream && op.Cache.Scope != "none" {
		gaps = append(gaps, errors.New("has x-stream, so that its x-cache must be none"))
	}
	return errors.Join(gaps...)
}

// readSafe reads x-safe, which declares that a POST changes nothing. Such an
// operation reads, and uses a body because its input is too long for a URL.
func (op *Operation) readSafe(extensions map[string]any) error {
	value, declared := extensions["x-safe"]
	op.Safe = op.Method == http.MethodGet || declared
	switch {
	case declared && value != true:
		return errors.New("x-safe must be true or left out")
	case declared && op.Method != http.MethodPost:
		return errors.New("has x-safe, which is for POST only")
	case declared && op.RateLimit != "read":
		return errors.New("has x-safe, so that its x-rate-limit must be read")
	case !op.Safe && op.RateLimit == "read":
		return errors.New("has an x-rate-limit of read but may change something: declare x-safe: true on a POST that only reads")
	}
	return nil
}

func (op *Operation) readParams(refs openapi3.Parameters) error {
	var gaps []error
	keyed := false
	for _, ref := range refs {
		p, err := newParam(ref.Value)
		if err != nil {
			gaps = append(gaps, fmt.Errorf("parameter %s: %w", ref.Value.Name, err))
			continue
		}
		switch ref.Value.In {
		case openapi3.ParameterInPath:
			op.path = append(op.path, p)
		case openapi3.ParameterInQuery:
			op.query = append(op.query, p)
		case openapi3.ParameterInHeader:
			op.headers = append(op.headers, p)
			keyed = keyed || p.name == idempotencyKey
			if p.key != ifNoneMatch {
				break
			}
			if p.schema.MaxLength == nil || *p.schema.MaxLength > math.MaxInt32 {
				gaps = append(gaps, errors.New("parameter If-None-Match lacks maxLength"))
				break
			}
			op.MaxCondition = int(*p.schema.MaxLength)
		}
	}
	if len(op.query) > maxQuery {
		gaps = append(gaps, fmt.Errorf("has more than %d query parameters", maxQuery))
	}
	if op.Idempotent != keyed {
		gaps = append(gaps, fmt.Errorf("must have both x-idempotent and the parameter %s, or neither", idempotencyKey))
	}
	return errors.Join(gaps...)
}

func (op *Operation) readBody(body *openapi3.RequestBody) error {
	content := body.Content["application/json"]
	if content == nil || content.Schema == nil || len(body.Content) != 1 {
		return errors.New("must take application/json, with a schema, and nothing else")
	}
	var err error
	if op.longest, err = checkSchema(content.Schema); err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	op.body = content.Schema.Value
	op.bodyRequired = body.Required
	if op.MaxBody <= 0 {
		return errors.New("lacks x-max-body in bytes")
	}
	return nil
}

// Check checks a request against the document: media type, path parameters,
// query, headers and body. pathParam returns the unescaped value of a path
// parameter by name.
//
// The caller must have limited the body to MaxBody with http.MaxBytesReader.
// Check reads the body and replaces it, so that it can be read again from the
// start and its length is known. It adds the members of the body that the
// operation does not know to ignored.
//
// The error, if any, is a *problem.Error. It is a 415 for the wrong media type,
// a 413 or 400 for a request that cannot be read, or else a 422 that lists
// every wrong field.
func (op *Operation) Check(r *http.Request, pathParam func(string) string, ignored *Ignored) error {
	c := checker{op: op, ignored: ignored}
	if op.body != nil {
		if e := checkMediaType(r); e != nil {
			return e
		}
	}
	if e := c.params(r, pathParam); e != nil {
		return e
	}
	if op.body != nil {
		if e := c.body(r); e != nil {
			return e
		}
	}
	if c.fields != nil {
		return problem.Invalid(c.fields)
	}
	return nil
}
