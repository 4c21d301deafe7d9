// Package docs carries the guides, which the service renders under /docs.
package docs

import "embed"

// Guides holds every guide as Markdown, and the pictures in them.
//
//go:embed *.md *.svg
var Guides embed.FS
