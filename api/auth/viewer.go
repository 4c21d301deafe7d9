// Package auth authenticates requests: passwords, tokens, API keys and the
// viewer that they belong to.
package auth

import "fmt"

// Viewer is the user that makes a request. The zero Viewer is anonymous: ids
// start at 1, so its ID matches no row.
type Viewer struct {
	ID int64
	// Token is the credential that the request was authenticated with. GET
	// /user returns it.
	Token string
	// Session is the session that the token belongs to, or 0 if the request has
	// an API key.
	Session int64
	// Key is the API key of the request, or 0 if the request has a token.
	Key int64
	// Old says that an older system has signed the token. Responses that contain
	// the token have one of this service instead.
	Old   bool
	Role  Role
	Scope Scope
}

// Anonymous reports whether the request had no valid credential.
func (v Viewer) Anonymous() bool { return v.ID == 0 }

// Moderates reports whether the viewer has the rights of a moderator. This also
// needs a credential with the scope admin.
func (v Viewer) Moderates() bool { return v.Role >= Moderator && v.Scope >= ScopeAdmin }

// Edits reports whether the viewer has the rights of an editor: to see and to
// change the articles of everybody. This also needs a credential with the scope
// admin.
func (v Viewer) Edits() bool { return v.Role >= Editor && v.Scope >= ScopeAdmin }

// MayEdit reports whether the viewer may change the articles of an author.
func (v Viewer) MayEdit(authorID int64) bool { return v.ID == authorID || v.Edits() }

// Role says what users may do beyond managing their own content. Each role
// includes the ones before it.
type Role int

// The roles. A reader cannot publish. Editors may change the articles of
// everybody.
const (
	Reader Role = iota
	Author
	Moderator
	Editor
	Admin
)

var roleNames = [...]string{"reader", "author", "moderator", "editor", "admin"}

func (r Role) String() string { return roleNames[r] }

// ParseRole returns the role with the name that is used in openapi.yaml and in
// the database.
func ParseRole(name string) (Role, error) {
	for r, n := range roleNames {
		if n == name {
			return Role(r), nil
		}
	}
	return Reader, fmt.Errorf("auth: %q is not a role", name)
}

// Scope says what a credential may be used for. Each scope includes the ones
// before it.
type Scope int

// The scopes. ScopeAccount is for managing the account itself with its sessions
// and keys. API keys cannot have it, so that a leaked key does not give the
// account away.
const (
	ScopeNone Scope = iota
	ScopeRead
	ScopeWrite
	ScopeAdmin
	ScopeAccount
)

var scopeNames = [...]string{"none", "read", "write", "admin", "account"}

func (s Scope) String() string { return scopeNames[s] }

// ParseScope returns the scope with the name that is used in openapi.yaml.
func ParseScope(name string) (Scope, error) {
	for s, n := range scopeNames {
		if n == name && Scope(s) != ScopeNone {
			return Scope(s), nil
		}
	}
	return ScopeNone, fmt.Errorf("auth: %q is not a scope", name)
}
