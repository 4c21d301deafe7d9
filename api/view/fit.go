package view

import (
	"context"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/request"
)

// Fit returns how many of the items a response has room for, by budget.Text, at
// least one if there are any. It reserves memory for more than
// budget.Unreserved bytes. The items have been read already, so that another
// limit must bound them, such as the length of a page. The function texts adds
// up what measure returns for each text of an item. The error is a 503.
func Fit[T any](ctx context.Context, items []T, texts func(item *T, measure func(text string) int) int) (int, error) {
	return FitMeasured(ctx, items, func(item *T) int { return texts(item, Length) }, func(item *T) int { return texts(item, Size) })
}

// FitMeasured is Fit for items that know how many bytes their texts have, and
// how many bytes of JSON these may take.
func FitMeasured[T any](ctx context.Context, items []T, length, size func(item *T) int) (int, error) {
	read := 0
	for i := range items {
		read += length(&items[i])
	}
	if read <= budget.Unreserved {
		return len(items), nil
	}
	if err := request.From(ctx).Memory.Reserve(read); err != nil {
		return 0, err
	}
	if read*MaxEscape <= budget.Text {
		return len(items), nil // short texts are not measured
	}
	total := 0
	for i := range items {
		if total += size(&items[i]); total > budget.Text && i > 0 {
			return i, nil
		}
	}
	return len(items), nil
}

// Length returns the length of a text in bytes.
func Length(text string) int { return len(text) }
