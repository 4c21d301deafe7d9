// Package problem defines the errors that clients of the API see. An Error has
// a code from a fixed set, public messages for the invalid fields and a private
// cause. The code determines the HTTP status. The messages are sent to the
// client. The cause is only written to the log.
package problem

import (
	"errors"
	"fmt"
	"net/http"
)

// Code is the machine-readable code of an error. The schema ProblemCode in
// openapi.yaml lists all codes. Clients switch on the code, so its meaning
// never changes.
type Code string

// These are the codes. docs/errors.md describes the cause and the remedy of
// each.
const (
	AccountSuspended     Code = "account_suspended"
	AlreadyDecided       Code = "already_decided"
	AlreadyTaken         Code = "already_taken"
	BodyTooLarge         Code = "body_too_large"
	CommentsClosed       Code = "comments_closed"
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
	RegistrationClosed   Code = "registration_closed"
	RoleInsufficient     Code = "role_insufficient"
	RouteNotFound        Code = "route_not_found"
	ScopeInsufficient    Code = "scope_insufficient"
	TokenExpired         Code = "token_expired"
	TokenInvalid         Code = "token_invalid"
	TokenMissing         Code = "token_missing"
	UnsupportedMediaType Code = "unsupported_media_type"
	ValidationFailed     Code = "validation_failed"
)

// kinds maps each code to its HTTP status and its detail message.
var kinds = map[Code]struct {
	status int
	detail string
}{
	AccountSuspended:     {http.StatusForbidden, "The account is suspended."},
	AlreadyDecided:       {http.StatusConflict, "Another moderator has already decided this."},
	AlreadyTaken:         {http.StatusConflict, "This value has already been taken."},
	BodyTooLarge:         {http.StatusRequestEntityTooLarge, "The request body is too large for this operation."},
	CommentsClosed:       {http.StatusForbidden, "There are no new comments here."},
	CredentialsInvalid:   {http.StatusUnauthorized, "The e-mail address or password is incorrect."},
	DatabaseUnavailable:  {http.StatusServiceUnavailable, "The database is temporarily unavailable; try again shortly."},
	ForbiddenCode:        {http.StatusForbidden, "Only the author is allowed to do this."},
	IdempotencyKeyReused: {http.StatusUnprocessableEntity, "The Idempotency-Key has already been used with a different request."},
	InternalCode:         {http.StatusInternalServerError, "Something went wrong on our side."},
	InvalidJSON:          {http.StatusBadRequest, "The body is not valid JSON."},
	InvalidRequest:       {http.StatusBadRequest, "The request is malformed."},
	MethodNotAllowed:     {http.StatusMethodNotAllowed, "This path does not support this method; see the Allow header."},
	NotFoundCode:         {http.StatusNotFound, "There is no such resource."},
	Overloaded:           {http.StatusServiceUnavailable, "The service is busy; try again shortly."},
	PreconditionFailed:   {http.StatusPreconditionFailed, "The resource has changed since it was read; read it again."},
	RateLimited:          {http.StatusTooManyRequests, "Too many requests; try again later."},
	RegistrationClosed:   {http.StatusForbidden, "Registration is not open to everybody."},
	RoleInsufficient:     {http.StatusForbidden, "Your role does not permit this."},
	RouteNotFound:        {http.StatusNotFound, "There is no such path."},
	ScopeInsufficient:    {http.StatusForbidden, "This API key does not permit this."},
	TokenExpired:         {http.StatusUnauthorized, "The token has expired; sign in again."},
	TokenInvalid:         {http.StatusUnauthorized, "The token is invalid; sign in again."},
	TokenMissing:         {http.StatusUnauthorized, "This operation requires a token."},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, "Send the body as application/json."},
	ValidationFailed:     {http.StatusUnprocessableEntity, "One or more fields are invalid."},
}

// These messages are part of the RealWorld contract.
const (
	Blank = "can't be blank"
	Taken = "has already been taken"
)

// Fields maps each invalid field to its messages. It is the errors map of the
// RealWorld contract.
type Fields map[string][]string

// Add adds a message to a field unless the field already has it.
func (f Fields) Add(field, message string) {
	for _, m := range f[field] {
		if m == message {
			return
		}
	}
	f[field] = append(f[field], message)
}

// Error is an error that is sent to the client. Detail and Fields are public.
// The result of the method Error includes the cause and is for the log only.
type Error struct {
	Code   Code
	Detail string // one sentence for people
	Fields Fields
	// RetryAfter is the value of the header Retry-After in seconds (RFC 9110,
	// section 10.2.3). If it is 0, the response does not have the header.
	RetryAfter int
	cause      error
}

// New returns an error with a code and one message for one field.
func New(code Code, field, message string) *Error {
	return &Error{Code: code, Detail: kinds[code].detail, Fields: Fields{field: {message}}}
}

// Invalid returns a 422 with the messages of all invalid fields.
func Invalid(fields Fields) *Error {
	return &Error{Code: ValidationFailed, Detail: kinds[ValidationFailed].detail, Fields: fields}
}

// InvalidField returns a 422 with one message for one field.
func InvalidField(field, message string) *Error {
	return New(ValidationFailed, field, message)
}

// NotFound returns a 404. The argument resource is the kind of the resource,
// such as "article", "profile" or "comment".
func NotFound(resource string) *Error {
	e := New(NotFoundCode, resource, "not found")
	e.Detail = fmt.Sprintf("There is no such %s.", resource)
	return e
}

// Forbidden returns a 403. The argument resource is the kind of the resource.
func Forbidden(resource string) *Error {
	return New(ForbiddenCode, resource, "forbidden")
}

// Unavailable returns a 503. Its Retry-After header tells the client to try
// again after the given number of seconds.
func Unavailable(code Code, seconds int, cause error) *Error {
	e := New(code, "server", "is unavailable")
	e.RetryAfter, e.cause = seconds, cause
	return e
}

// Internal returns a 500. The client does not see its cause.
func Internal(cause error) *Error {
	e := New(InternalCode, "server", "internal error")
	e.cause = cause
	return e
}

// WithCause sets the private cause, which is only written to the log, and
// returns the error.
func (e *Error) WithCause(cause error) *Error {
	e.cause = cause
	return e
}

// WithDetail replaces the public detail message and returns the error.
func (e *Error) WithDetail(detail string) *Error {
	e.Detail = detail
	return e
}

// Status returns the HTTP status of the error's code.
func (e *Error) Status() int { return kinds[e.Code].status }

// Unwrap returns the private cause or nil.
func (e *Error) Unwrap() error { return e.cause }

// Error returns the code with the cause, or with the fields if there is no
// cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.cause)
	}
	return fmt.Sprintf("%s: %v", e.Code, map[string][]string(e.Fields))
}

// From returns the Error in the chain of err, or nil if there is none.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
