package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/server/compress"
	"github.com/byline-api/byline/server/pages"
)

// wantsPage reports whether a request for a path that does not exist comes from
// a person who follows a link. Browsers ask for text/html by name; programs
// that accept everything get a problem.
func wantsPage(r *http.Request) bool {
	page, other := 0.0, 0.0
	for item := range strings.SplitSeq(strings.Join(r.Header["Accept"], ","), ",") {
		mediaType, params, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, ok := params["q"]; ok {
			quality, _ = strconv.ParseFloat(q, 64)
		}
		switch mediaType {
		case "text/html":
			page = quality
		case "application/json", "application/problem+json":
			other = max(other, quality)
		}
	}
	return page > other
}

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
	s.site = site
	for path, page := range site.Routes() {
		s.echo.GET(path, echo.WrapHandler(page))
	}
	return nil
}
