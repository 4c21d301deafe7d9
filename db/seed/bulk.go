package seed

import (
	"context"
	"fmt"
)

// bulkRows is the number of rows from which dropping the indexes is worthwhile.
// Smaller data sets take a second or two anyway, and readers are not blocked.
const bulkRows = 100_000

// isBulk reports whether the data set is large and the database is empty.
func (l *loader) isBulk(ctx context.Context) (empty bool, err error) {
	c := l.cfg
	if c.Users+c.Articles*(2+c.TagsPerArticle)+c.Comments+c.Favorites+c.Follows < bulkRows {
		return false, nil
	}
	err = l.tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM users)`).Scan(&empty) // all other rows refer to a user
	if err != nil {
		return false, fmt.Errorf("check whether the database is empty: %w", err)
	}
	return empty, nil
}
