package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// TestBlockedIsSeenNowhere lets two users comment on an article, and one of
// them block the other. Every safe operation of the document then shows neither
// the comment of the other, also if it has shown it before. It shows both to
// all others.
func TestBlockedIsSeenNowhere(t *testing.T) {
	t.Parallel()
	const (
		byBlocker = "the-words-of-the-one-who-blocks"
		byBlocked = "the-words-of-the-one-who-is-blocked"
	)
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	shown := 0
	for _, op := range doc.Operations() {
		if !op.Safe || op.Role > auth.Author {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			st := newStage(s.For(t))
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			c := valid[op.ID](st)
			blocker, blocked := st.s.Register(""), st.s.Register("")
			for token, text := range map[string]string{blocker.Token: byBlocker, blocked.Token: byBlocked} {
				st.must(http.MethodPost, call{path: article(st, "/comments"), body: `{"comment":{"body":"` + text + `"}}`, token: token})
				st.must(http.MethodPost, call{path: "/profiles/" + st.author.Username + "/follow", token: token})
			}
			sides := map[string]struct{ token, marker string }{"the blocker": {blocker.Token, byBlocked}, "the blocked": {blocked.Token, byBlocker}}
			tags := map[string]string{}
			for who, side := range sides {
				if res, body := c.as(side.token).do(st.s, op.Method); strings.Contains(body, side.marker) {
					shown++
					tags[who] = res.Header.Get("ETag")
				}
			}
			others := map[string]call{"an anonymous caller": c.as(""), "a stranger": c.as(st.s.Register("").Token), "a moderator": c.as(st.as(auth.Moderator))}
			before := map[string]string{}
			for who, ask := range others {
				_, before[who] = ask.do(st.s, op.Method)
			}
			st.must(http.MethodPost, call{path: "/profiles/" + blocked.Username + "/block", token: blocker.Token})
			for who, side := range sides {
				_, body := c.as(side.token).do(st.s, op.Method)
				require.NotContains(t, body, side.marker, "%s shows %s the comment of the other: see blocks_between in db/queries/comments.sql", op.ID, who)
				if tags[who] != "" {
					res, _ := c.as(side.token).with("If-None-Match", tags[who]).do(st.s, op.Method)
					require.NotEqual(t, http.StatusNotModified, res.StatusCode, "%s tells %s that nothing has changed", op.ID, who)
				}
			}
			for who, ask := range others {
				_, body := ask.do(st.s, op.Method)
				for _, marker := range []string{byBlocker, byBlocked} {
					require.Equal(t, strings.Contains(before[who], marker), strings.Contains(body, marker), "%s as %s", op.ID, who)
				}
			}
		})
	}
	require.Positive(t, shown, "operations that show the comments before")
}
