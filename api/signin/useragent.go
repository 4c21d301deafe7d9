package signin

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/byline-api/byline/api/request"
)

// maxUserAgent is the maximum length of a stored User-Agent in bytes. The value
// helps the owner of a session to recognize the device.
const maxUserAgent = 200

// UserAgent returns the User-Agent of the request without invalid UTF-8 and
// control characters. It returns nil if there is none.
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
