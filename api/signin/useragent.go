package signin

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/byline-api/byline/api/request"
)

// maxUserAgent is how much of User-Agent, in bytes, is kept for the owner of a
// session to recognise a device by.
const maxUserAgent = 200

// UserAgent returns what the client calls itself, fit for storing, or nil.
func UserAgent(ctx context.Context) *string {
	agent := request.From(ctx).UserAgent
	agent = strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")
	agent = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, agent)
	if agent == "" {
		return nil
	}
	return &agent
}
