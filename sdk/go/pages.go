package byline

import "iter"

// Page is a page of a list.
type Page[T any] struct {
	// Items are the items of the page.
	Items []T
	// TotalCount is the number of items in all pages. It is zero for lists that
	// are not counted: only lists of articles are.
	TotalCount int64
	// NextCursor leads to the next page, as the parameter Cursor. It is empty
	// on the last page.
	NextCursor string
}

// pages iterates over the items of all pages, starting at cursor.
func pages[T any](cursor string, fetch func(cursor string) (*Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := cursor; ; {
			page, err := fetch(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			cursor = page.NextCursor
		}
	}
}
