package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/openapi"
)

// TestAppendArticle checks that an article has the same JSON as encoding/json
// gives it, with all members that the document has, and with as few as possible.
func TestAppendArticle(t *testing.T) {
	var full openapi.Article
	fill(reflect.ValueOf(&full).Elem(), new(int))
	full.Metadata = json.RawMessage(`{"layout":"wide"}`)
	var empty openapi.Article
	empty.TagList, empty.Translations, empty.Metadata = []string{}, []openapi.Translation{}, json.RawMessage(`{}`)
	for name, a := range map[string]openapi.Article{"Full": full, "Empty": empty} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(a)
			require.NoError(t, err)
			got := appendArticle(nil, &a)
			require.JSONEq(t, string(want), string(got))
			require.Equal(t, order(t, want), order(t, got))
		})
	}
}

// fill gives all fields of a value, and all that they refer to, texts and
// numbers that differ.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%d \"<&>\\\n\u2028é😀", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*n))
	default:
		v.SetInt(int64(*n))
	}
}

// order returns the names of the members of an object in their order.
func order(t *testing.T, object []byte) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	_, err := d.Token()
	require.NoError(t, err)
	for d.More() {
		name, err := d.Token()
		require.NoError(t, err)
		names = append(names, name.(string))
		var skipped json.RawMessage
		require.NoError(t, d.Decode(&skipped))
	}
	return names
}
