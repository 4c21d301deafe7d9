package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/server/compress"
	"github.com/byline-api/byline/server/pages"
)

// registerPages adds the routes of the service's own pages. The pages replace
// the policy that secure has set.
func (s *Server) registerPages() error {
	site, err := pages.New(pages.Config{
		Version: s.cfg.Version, Commit: s.cfg.Commit, Health: s.readiness,
		BasePath:   s.cfg.BasePath,
		BasePathOf: func(r *http.Request) string { return request.From(r.Context()).BasePath },
		Negotiate:  func(field string) string { return string(compress.Negotiate(field)) },
	})
	if err != nil {
		return err
	}
	for path, page := range site.Routes() {
		s.echo.GET(path, echo.WrapHandler(page))
	}
	return nil
}
