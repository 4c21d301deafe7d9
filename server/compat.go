package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
)

// Compat selects the contract that the service follows.
type Compat string

const (
	// Strict follows the RealWorld contract 2.0.0.
	Strict Compat = "strict"
	// Lenient suits front ends older than that contract: a failed login and a
	// name that is taken return 422, an empty password in PUT /user counts as
	// absent, creating a comment returns 200, and the tags of an article are
	// sorted.
	Lenient Compat = "lenient"
)

// statusOf returns the status of the response to a problem.
func (s *Server) statusOf(x *exchange, p *problem.Error) int {
	if s.cfg.Compat == Lenient && (p.Code == problem.CredentialsInvalid || p.Code == problem.AlreadyTaken) {
		return http.StatusUnprocessableEntity
	}
	if p.Code == problem.InvalidRequest && errors.Is(p, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout // the client sent the body too slowly
	}
	return p.Status()
}

// compat makes the changes of Lenient to requests and successful responses.
func (s *Server) compat(next echo.HandlerFunc) echo.HandlerFunc {
	if s.cfg.Compat != Lenient {
		return next
	}
	return func(c echo.Context) error {
		switch x := of(c); x.operationID() {
		case "CreateArticleComment":
			x.Response().Before(func() {
				if x.Response().Status == http.StatusCreated {
					x.Response().Status = http.StatusOK
				}
			})
		case "UpdateCurrentUser":
			dropEmptyPassword(x.Request(), x.op.MaxBody)
		}
		return next(c)
	}
}

// dropEmptyPassword removes user.password from the body when it is "". It
// leaves a body that it cannot parse as it is, and validation refuses that.
func dropEmptyPassword(r *http.Request, limit int64) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	var outer, user map[string]jsontext.Value
	if err != nil || int64(len(body)) > limit || json.Unmarshal(body, &outer) != nil || json.Unmarshal(outer["user"], &user) != nil {
		return
	}
	if string(user["password"]) != `""` {
		return
	}
	delete(user, "password")
	if outer["user"], err = json.Marshal(user); err != nil {
		return
	}
	changed, err := json.Marshal(outer)
	if err != nil {
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
}
