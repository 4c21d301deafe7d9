// Package docs carries the guides, which the service renders under /docs.
package docs

import "embed"

// Guides holds every guide as Markdown.
//
//go:embed *.md
var Guides embed.FS
