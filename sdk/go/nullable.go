package byline

import "encoding/json"

// Nullable is a member of a change: absent, null or a value. The zero Nullable
// is absent, so that the change leaves the member as it is.
type Nullable[T any] struct {
	value *T
	set   bool
}

// Value returns a Nullable with the value v.
func Value[T any](v T) Nullable[T] { return Nullable[T]{&v, true} }

// Null returns a Nullable that is null, which clears the member.
func Null[T any]() Nullable[T] { return Nullable[T]{set: true} }

// IsZero reports whether n is absent.
func (n Nullable[T]) IsZero() bool { return !n.set }

// Get returns the value, and whether there is one.
func (n Nullable[T]) Get() (value T, ok bool) {
	if n.value != nil {
		return *n.value, true
	}
	return value, false
}

// MarshalJSON implements [json.Marshaler].
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// UnmarshalJSON implements [json.Unmarshaler].
func (n *Nullable[T]) UnmarshalJSON(text []byte) error {
	n.set, n.value = true, nil
	return json.Unmarshal(text, &n.value)
}
