package view

import (
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/gen/openapi"
)

// WantsHTML reports whether a request asks for texts as HTML too.
func WantsHTML(format *openapi.TextFormat) bool {
	return optional.Or(format, openapi.FormatMarkdown) == openapi.FormatHTML
}
