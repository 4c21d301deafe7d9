// Package auth knows who is asking: passwords, tokens and the viewer that
// they lead to.
package auth

// Viewer is who makes a request. The zero Viewer is anonymous; ids begin at 1,
// so its ID matches no row.
type Viewer struct {
	ID int64
	// Token is the text that the request was authenticated with; GET /user
	// answers it again.
	Token string
}

// Anonymous tells whether the request had no valid token.
func (v Viewer) Anonymous() bool { return v.ID == 0 }
