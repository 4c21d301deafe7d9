package backup

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Decided returns the tables that a backup contains, and those that it does not,
// with the reason.
func Decided() (in []string, out map[string]string) { return append([]string(nil), kept...), left }

// Objects returns the names of what people can have created in a cluster.
func Objects(ctx context.Context, pool *pgxpool.Pool) (names []string, err error) {
	all, err := objects(ctx, pool)
	for _, o := range all {
		names = append(names, o.name)
	}
	return names, err
}
