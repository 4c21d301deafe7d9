package view_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/view"
)

func TestFit(t *testing.T) {
	t.Parallel()
	memory := budget.New(2 * budget.Text)
	fit := func(texts ...string) (int, error) {
		info := &request.Info{Memory: memory.Share()}
		defer info.Memory.Release()
		return view.Fit(request.With(context.Background(), info), texts, func(text *string, measure func(string) int) int { return measure(*text) })
	}
	long := strings.Repeat("x", budget.Text/2)
	for _, test := range []struct {
		texts []string
		want  int
	}{
		{nil, 0}, {[]string{"a", "b"}, 2}, {[]string{long, long}, 2}, {[]string{long, long, "c"}, 2}, {[]string{long + long + "x", "b"}, 1},
		{[]string{"a", strings.Repeat("\x01", budget.Text/view.MaxEscape+1)}, 1},
	} {
		n, err := fit(test.texts...)
		require.NoError(t, err)
		require.Equal(t, test.want, n)
	}

	other := memory.Share()
	require.NoError(t, other.Reserve(budget.Text)) // all of it
	_, err := fit(long)
	require.Error(t, err, "other responses use all memory")
	n, err := fit("short")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
