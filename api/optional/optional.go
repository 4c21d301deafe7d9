// Package optional converts between values and pointers. A nil pointer stands
// for an absent member of a request or for a NULL column.
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
