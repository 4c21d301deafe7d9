// Package optional reads and makes pointers that stand for values which may be
// absent: members of a request, columns that may be NULL.
package optional

// Or returns what p points to, or fallback when p is nil.
func Or[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}

// NonZero returns a pointer to v, or nil when v is the zero value of its type.
func NonZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
