package signin

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/byline-api/byline/api/request"
)

// maxUserAgent is how much of User-Agent, in bytes, is stored, so that the
// owner of a session recognises the device.
const maxUserAgent = 200

// UserAgent returns the header User-Agent as valid text, or nil.
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
