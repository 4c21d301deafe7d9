// Package auth knows who is asking: passwords, tokens, API keys and the viewer
// that they lead to.
package auth

import "fmt"

// Viewer is who makes a request. The zero Viewer is anonymous; ids begin at 1,
// so its ID matches no row.
type Viewer struct {
	ID int64
	// Token is the text that the request was authenticated with; GET /user
	// answers it again.
	Token string
	// Session is the session that the token belongs to; 0 with an API key.
	Session int64
	// Key is the API key that was sent; 0 with a token.
	Key   int64
	Role  Role
	Scope Scope
}

// Anonymous tells whether the request had no valid token.
func (v Viewer) Anonymous() bool { return v.ID == 0 }

// Moderates tells whether the viewer may see and do what moderators may. A
// narrow key of a moderator is not enough.
func (v Viewer) Moderates() bool { return v.Role >= Moderator && v.Scope >= ScopeAdmin }

// Role is what a user may do beside their own things; each includes those
// before it.
type Role int

// The roles. A new account is an author; a reader publishes nothing.
const (
	Reader Role = iota
	Author
	Moderator
	Admin
)

var roleNames = [...]string{"reader", "author", "moderator", "admin"}

func (r Role) String() string { return roleNames[r] }

// ParseRole reads a role by the name that the document and the database have.
func ParseRole(name string) (Role, error) {
	for r, n := range roleNames {
		if n == name {
			return Role(r), nil
		}
	}
	return Reader, fmt.Errorf("auth: %q is no role", name)
}

// Scope is what a credential is good for; each includes those before it.
type Scope int

// The scopes. ScopeAccount, the account itself with its sessions and keys, is
// for signed-in people alone: a key that leaks must not become an account
// that is lost.
const (
	ScopeNone Scope = iota
	ScopeRead
	ScopeWrite
	ScopeAdmin
	ScopeAccount
)

var scopeNames = [...]string{"none", "read", "write", "admin", "account"}

func (s Scope) String() string { return scopeNames[s] }

// ParseScope reads a scope by its name in the document.
func ParseScope(name string) (Scope, error) {
	for s, n := range scopeNames {
		if n == name && Scope(s) != ScopeNone {
			return Scope(s), nil
		}
	}
	return ScopeNone, fmt.Errorf("auth: %q is no scope", name)
}
