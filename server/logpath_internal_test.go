package server

import (
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// TestShowPath shows what is logged of a path that no route has.
func TestShowPath(t *testing.T) {
	t.Parallel()
	words := newPathWords([]*echo.Route{
		{Path: "/api/articles/:slug/comments"}, {Path: "/api/profiles/:username/follow"}, {Path: "/api/users/login"},
		{Path: "/api/users/password-reset"}, {Path: "/api/sessions/:id"}, {Path: "/openapi.json"}, {Path: "/docs/assets/*"},
	})
	for path, want := range map[string]string{
		"/api/artciles":                   "/api/artciles",
		"/api/article":                    "/api/article",
		"/API/Articles/":                  "/API/Articles/",
		"//api//articles":                 "//api//articles",
		"/api/articles/slug/coments":      "/api/articles/{4}/coments",
		"/wp-login.php":                   "/wp-login.php",
		"/.env":                           "/.env",
		"/.git/config":                    "/.git/config",
		"/cgi-bin/x7.cgi":                 "/cgi-bin/{2}.cgi",
		"/shell.PHP":                      "/{5}.PHP",
		"/":                               "/",
		"*":                               "/{1}",
		"/openapi.jsn":                    "/{11}",
		"/api/users/password-rest":        "/api/users/{13}",
		"/api/users/pasword-reset":        "/api/users/pasword-reset",
		"/api/profile/logan":              "/api/profile/{5}",
		"/api/profile/jane.doe":           "/api/profile/{8}",
		"/api/profile/jane@doe.php":       "/api/profile/{8}.php",
		"/api/reset/dragon-correct-7":     "/api/reset/{16}",
		"/api/articles\n\x1b[31mfalse":    "/api/{19}",
		"/api/articles1":                  "/api/{9}",
		"/a\\b%2f/..":                     "/{6}/..",
		"/" + strings.Repeat("api/", 100): strings.Repeat("/api", 49) + "/…",
		"/" + strings.Repeat("x", 5000):   "/{5000}",
		"/" + strings.Repeat("api.", 1000) + "api": "/{3999}.api",
		"/" + strings.Repeat(".", 1000):            "/{1000}",
	} {
		shown := words.show(path)
		require.LessOrEqual(t, len(shown), maxPath)
		require.Equal(t, want, shown, path[:min(len(path), 40)])
	}
}
