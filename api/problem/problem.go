// Package problem holds the errors that callers of the API may see. An Error
// has a closed kind, a public message for each wrong field and a private
// cause: the kind decides the HTTP status, the messages go to the client, the
// cause goes to the log and nowhere else.
package problem

import (
	"errors"
	"fmt"
	"net/http"
)

// Code is the stable, machine-readable name of an error (schema ProblemCode of
// the document). Clients depend on it, so that a code never changes its
// meaning.
type Code string

// The codes; docs/errors.md explains each with its remedy.
const (
	AccountSuspended     Code = "account_suspended"
	AlreadyTaken         Code = "already_taken"
	BodyTooLarge         Code = "body_too_large"
	CredentialsInvalid   Code = "credentials_invalid"
	DatabaseUnavailable  Code = "database_unavailable"
	ForbiddenCode        Code = "forbidden"
	IdempotencyKeyReused Code = "idempotency_key_reused"
	InternalCode         Code = "internal"
	InvalidJSON          Code = "invalid_json"
	InvalidRequest       Code = "invalid_request"
	MethodNotAllowed     Code = "method_not_allowed"
	NotFoundCode         Code = "not_found"
	Overloaded           Code = "overloaded"
	PreconditionFailed   Code = "precondition_failed"
	RateLimited          Code = "rate_limited"
	RoleInsufficient     Code = "role_insufficient"
	RouteNotFound        Code = "route_not_found"
	ScopeInsufficient    Code = "scope_insufficient"
	TokenExpired         Code = "token_expired"
	TokenInvalid         Code = "token_invalid"
	TokenMissing         Code = "token_missing"
	UnsupportedMediaType Code = "unsupported_media_type"
	ValidationFailed     Code = "validation_failed"
)

// kinds maps every code to its HTTP status and to a sentence for people.
var kinds = map[Code]struct {
	status int
	detail string
}{
	AccountSuspended:     {http.StatusForbidden, "The account is suspended."},
	AlreadyTaken:         {http.StatusConflict, "Somebody else has this value already."},
	BodyTooLarge:         {http.StatusRequestEntityTooLarge, "The body is larger than this operation takes."},
	CredentialsInvalid:   {http.StatusUnauthorized, "The e-mail address or the password is wrong."},
	DatabaseUnavailable:  {http.StatusServiceUnavailable, "The database cannot answer right now; try again shortly."},
	ForbiddenCode:        {http.StatusForbidden, "Only its author may do this."},
	IdempotencyKeyReused: {http.StatusUnprocessableEntity, "The Idempotency-Key belongs to another request."},
	InternalCode:         {http.StatusInternalServerError, "Something went wrong on our side."},
	InvalidJSON:          {http.StatusBadRequest, "The body is not valid JSON."},
	InvalidRequest:       {http.StatusBadRequest, "The request is malformed."},
	MethodNotAllowed:     {http.StatusMethodNotAllowed, "This path does not take this method; see Allow."},
	NotFoundCode:         {http.StatusNotFound, "There is no such resource."},
	Overloaded:           {http.StatusServiceUnavailable, "The service is busy; try again shortly."},
	PreconditionFailed:   {http.StatusPreconditionFailed, "The resource was changed in the meantime; read it again."},
	RateLimited:          {http.StatusTooManyRequests, "Too many requests; try again later."},
	RoleInsufficient:     {http.StatusForbidden, "Your role does not permit this."},
	RouteNotFound:        {http.StatusNotFound, "There is no such path."},
	ScopeInsufficient:    {http.StatusForbidden, "This API key does not permit this."},
	TokenExpired:         {http.StatusUnauthorized, "The token has expired; sign in again."},
	TokenInvalid:         {http.StatusUnauthorized, "The token is invalid; sign in again."},
	TokenMissing:         {http.StatusUnauthorized, "This operation needs a token."},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, "Send the body as application/json."},
	ValidationFailed:     {http.StatusUnprocessableEntity, "One or more fields are invalid."},
}

// Messages that the RealWorld contract fixes.
const (
	Blank = "can't be blank"
	Taken = "has already been taken"
)

// Fields are the wrong fields with their messages: the contract's errors map.
type Fields map[string][]string

// Add appends a message to a field, once.
func (f Fields) Add(field, message string) {
	for _, m := range f[field] {
		if m == message {
			return
		}
	}
	f[field] = append(f[field], message)
}

// Error is an error that clients may see. Detail and Fields are for the client;
// Error() includes the cause and is for the log.
type Error struct {
	Code   Code
	Detail string // one sentence for a person
	Fields Fields
	// RetryAfter, in seconds, is the time after which the client may try again
	// (RFC 9110, section 10.2.3); 0 omits the header.
	RetryAfter int
	cause      error
}

// New returns an error of a code with one message for one field.
func New(code Code, field, message string) *Error {
	return &Error{Code: code, Detail: kinds[code].detail, Fields: Fields{field: {message}}}
}

// Invalid returns a 422 that names every wrong field.
func Invalid(fields Fields) *Error {
	return &Error{Code: ValidationFailed, Detail: kinds[ValidationFailed].detail, Fields: fields}
}

// InvalidField returns a 422 for one field.
func InvalidField(field, message string) *Error {
	return New(ValidationFailed, field, message)
}

// NotFound returns a 404; resource is its kind ("article", "profile",
// "comment").
func NotFound(resource string) *Error {
	e := New(NotFoundCode, resource, "not found")
	e.Detail = fmt.Sprintf("There is no such %s.", resource)
	return e
}

// Forbidden returns a 403; resource is its kind.
func Forbidden(resource string) *Error {
	return New(ForbiddenCode, resource, "forbidden")
}

// Unavailable returns a 503 that asks the client to retry after some seconds.
func Unavailable(code Code, seconds int, cause error) *Error {
	e := New(code, "server", "is unavailable")
	e.RetryAfter, e.cause = seconds, cause
	return e
}

// Internal returns a 500 that does not show its cause.
func Internal(cause error) *Error {
	e := New(InternalCode, "server", "internal error")
	e.cause = cause
	return e
}

// WithCause adds the cause, which is for the log and not for the client.
func (e *Error) WithCause(cause error) *Error {
	e.cause = cause
	return e
}

// WithDetail replaces the sentence for the client.
func (e *Error) WithDetail(detail string) *Error {
	e.Detail = detail
	return e
}

// Status returns the HTTP status of the error's code.
func (e *Error) Status() int { return kinds[e.Code].status }

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.cause)
	}
	return fmt.Sprintf("%s: %v", e.Code, map[string][]string(e.Fields))
}

// From returns the Error in err's chain, or nil when it has none.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
