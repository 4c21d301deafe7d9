package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// undone prepares the operations whose valid request would change nothing.
var undone = map[string]func(s *stage){
	"ReinstateUser":  func(s *stage) { s.suspend(s.reader) },
	"RestoreArticle": func(s *stage) { states["Hidden"].conceal(s, article(s, "")) },
	"RestoreComment": func(s *stage) {
		s.must(http.MethodPut, call{path: article(s, "/comments/"+s.comment+"/hidden"), token: s.as(auth.Moderator), body: `{"reason":"r"}`})
	},
	"DeletePreviews": func(s *stage) { s.preview() },
	"PublishArticle": func(s *stage) { s.copied("") },
}

// TestActsAreInAuditLog calls every operation of the document that needs a role
// above author, and every one that changes the article of somebody else as an
// editor. The audit log has an entry of each.
func TestActsAreInAuditLog(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	s := servertest.New(t)
	for _, op := range doc.Operations() {
		edits := len(op.Targets) > 0 && op.Targets[0].Kind == "article" && (op.Owner == "article" || op.Targets[0].Private)
		if op.Safe || op.Role <= auth.Author && !edits {
			continue
		}
		t.Run(op.ID, func(t *testing.T) { // one after another, so that what is stored can be compared
			s := s.For(t)
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			st := newStage(s)
			c := valid[op.ID](st)
			if edits && op.Role <= auth.Author {
				c = c.as(st.as(auth.Editor))
			}
			if prepare, ok := undone[op.ID]; ok {
				prepare(st)
			}
			entries := func() (n int) {
				require.NoError(t, s.DB.QueryRow(t.Context(), `SELECT count(*) FROM audit_log`).Scan(&n))
				return n
			}
			log, stored := entries(), fingerprint(t, s, "audit_log", "sessions")
			res, body := c.do(s, op.Method)
			require.Less(t, res.StatusCode, 300, body)
			require.NotEqual(t, stored, fingerprint(t, s, "audit_log", "sessions"), "the request changes nothing: add what it undoes to undone")
			require.Greater(t, entries(), log, "%s, api/%s*.go: write an entry with package audit", op.ID, op.Tag)
		})
	}
}
