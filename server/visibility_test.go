package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// concealed is a way in which an article is not public.
type concealed struct {
	// call asks for it, by the path of the article; the author does it.
	call func(s *stage, path string) call
	// moderators reports whether moderators see the article.
	moderators bool
}

// states are the ways in which an article is not public.
var states = map[string]concealed{
	"Hidden": {moderators: true, call: func(s *stage, path string) call {
		return call{method: http.MethodPut, path: path + "/hidden", token: s.as(auth.Moderator), body: `{"reason":"r"}`}
	}},
	"Draft": {call: func(s *stage, path string) call {
		return call{method: http.MethodPost, path: path + "/unpublish", token: s.author.Token}
	}},
	"Scheduled": {call: func(s *stage, path string) call {
		withdrawn := call{path: path + "/unpublish", token: s.author.Token}
		withdrawn.do(s.s, http.MethodPost)
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		return call{method: http.MethodPost, path: path + "/publish", token: s.author.Token, body: `{"publishAt":"` + at + `"}`}
	}},
	"Review": {call: func(s *stage, path string) call {
		withdrawn := call{path: path + "/unpublish", token: s.author.Token}
		withdrawn.do(s.s, http.MethodPost)
		return call{method: http.MethodPost, path: path + "/submit", token: s.author.Token}
	}},
}
