// Package pages serves the pages for people: a landing page, the OpenAPI
// document, the interactive reference and the guides.
//
//	pages.go      New, and the handler of each path
//	resource.go   a page under its content codings, with entity tag and 304
//	place.go      the links and addresses of a page, by the request
//	policy.go     the Content-Security-Policy of each kind of page
//	document.go   openapi.yaml, its JSON form, and the one for the reference
//	guides.go     docs/*.md, in the order of the navigation
//	markdown.go   Markdown to HTML
//	blocks.go     code, tabs and tables in it
//	highlight.go  the colours of code;  lexers/  the languages
//	search.go     the page that lists everything, and the index of searches
//	texts.go      robots.txt, llms.txt, and the guides as Markdown
//	templates/    the pages;  assets/  the files that they load
//
// A guide is added by writing docs/<name>.md and naming it in guides.go. Blocks
// of code in sh, ts, python and go that follow one another at once become tabs.
// No page sends a request to another origin, and only the reference needs
// JavaScript. The binary embeds all files.
package pages

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"

	byline "github.com/byline-api/byline"
	"github.com/byline-api/byline/docs"
)

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// Config holds the facts of the service that the pages show.
type Config struct {
	Version, Commit string
	// BasePath is the path below which most clients see the service.
	BasePath string
	// BasePathOf returns the path below which the client of a request sees the
	// service.
	BasePathOf func(*http.Request) string
	// Health returns the result of each readiness check; "ok" is good.
	Health func(context.Context) map[string]string
	// Negotiate returns the content coding for an Accept-Encoding field:
	// "gzip", "zstd", or "" for none.
	Negotiate func(acceptEncoding string) string
}

// Site serves the pages.
type Site struct {
	cfg      Config
	static   *static
	placed   map[string]*placed // the static resources, by path
	notFound *placed
	home     atomic.Pointer[resource] // the last page made; it seldom changes
}

// static holds the pages that do not depend on the configuration.
type static struct {
	resources map[string]*resource // by path
	notFound  *resource
	assets    assetURLs
	nav       []group
}

// New returns the pages. It fails when a guide or the document cannot be
// rendered.
func New(cfg Config) (*Site, error) {
	s, err := shared()
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	at := place{origin: defaultOrigin, base: cfg.BasePath}
	site := &Site{cfg: cfg, static: s, placed: make(map[string]*placed, len(s.resources)), notFound: newPlaced(s.notFound, at)}
	for path, res := range s.resources {
		site.placed[path] = newPlaced(res, at)
	}
	return site, nil
}

// shared renders the static pages once, because tests start many services.
var shared = sync.OnceValues(func() (*static, error) { return newStatic(byline.OpenAPI, docs.Guides) })

func newStatic(document []byte, guideFiles fs.FS) (*static, error) {
	s := &static{resources: map[string]*resource{}}
	assets, err := loadAssets(s.resources)
	if err != nil {
		return nil, err
	}
	s.assets = assets
	guides, err := readGuides(guideFiles)
	if err != nil {
		return nil, err
	}
	if err := addPictures(s.resources, guideFiles); err != nil {
		return nil, err
	}
	s.nav = navigation(guides)
	addTexts(s.resources, s.nav)
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if err := addSearch(s, guides, &root); err != nil {
		return nil, err
	}
	if s.assets.Document, err = addDocument(s.resources, document, &root); err != nil {
		return nil, err
	}
	for i, g := range guides {
		v := view{Title: g.Title, Assets: s.assets, Nav: s.nav, Guide: g}
		if i > 0 {
			v.Previous = guides[i-1]
		}
		if i+1 < len(guides) {
			v.Next = guides[i+1]
		}
		page, err := execute("guide.html", v)
		if err != nil {
			return nil, err
		}
		s.resources[g.Path] = newPage(page, revalidated, pagePolicy)
	}
	page, err := execute("reference.html", view{Title: "API reference", Assets: s.assets, Nav: s.nav})
	if err != nil {
		return nil, err
	}
	s.resources["/docs"] = newPage(page, revalidated, referencePolicy)
	page, err = execute("notfound.html", view{Title: "Not found", Assets: s.assets, Nav: s.nav})
	if err != nil {
		return nil, err
	}
	s.notFound = newPage(page, "no-store", pagePolicy)
	s.notFound.status = http.StatusNotFound
	// The navigation stays, and needs only where the guides are.
	for _, g := range guides {
		g.HTML, g.Markdown, g.Sections = "", nil, nil
	}
	return s, nil
}

// view is the data of the templates.
type view struct {
	Title          string
	Assets         assetURLs
	Nav            []group
	Guide          *guide
	Previous, Next *guide
	Tags           []tagOperations

	Summary, Version, Commit string
	Ready                    bool
	Checks                   []check
}

type check struct {
	Name, State string
	OK          bool
}

func execute(name string, v view) ([]byte, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Routes returns the handler of each path.
func (s *Site) Routes() map[string]http.HandlerFunc {
	toReference := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/docs")
		w.WriteHeader(http.StatusPermanentRedirect)
	}
	routes := map[string]http.HandlerFunc{"/": s.serveHome, "/docs/": toReference, "/docs/reference": toReference}
	for path, res := range s.placed {
		routes[path] = func(w http.ResponseWriter, r *http.Request) { res.serve(w, r, s.placeOf(r), s.cfg.Negotiate) }
	}
	return routes
}

// ServeNotFound sends the page for people whose link leads nowhere.
func (s *Site) ServeNotFound(w http.ResponseWriter, r *http.Request) {
	s.notFound.serve(w, r, s.placeOf(r), s.cfg.Negotiate)
}

// summary says what Byline is.
const summary = "A headless publishing API: users, profiles, articles, comments, tags, favorites, follows and feeds, on PostgreSQL. " +
	"It implements the RealWorld contract 2.0.0, so that existing front ends work unchanged."

// serveHome serves the landing page, which shows the current health.
func (s *Site) serveHome(w http.ResponseWriter, r *http.Request) {
	v := view{
		Title: "Byline", Assets: s.static.assets, Nav: s.static.nav,
		Summary: summary, Version: s.cfg.Version, Commit: s.cfg.Commit, Ready: true,
	}
	checks := s.cfg.Health(r.Context())
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		ok := checks[name] == "ok"
		if name == "draining" && ok {
			continue // a reader could take "draining ok" for a shutdown
		}
		v.Checks = append(v.Checks, check{Name: name, State: checks[name], OK: ok})
		v.Ready = v.Ready && ok
	}
	page, err := execute("home.html", v)
	if err != nil {
		panic(err) // the template always gets data of this type, and tests execute it
	}
	page = s.placeOf(r).apply(page, htmlLinks)
	last := s.home.Load()
	if last == nil || !bytes.Equal(last.plain(), page) {
		last = newPage(page, "private, no-cache", pagePolicy)
		s.home.Store(last)
	}
	last.serve(w, r, s.cfg.Negotiate)
}
