package importer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/importer/source"
)

// checksumOf returns an expression for the checksum of keys, as hex writes one.
func checksumOf(key string) string {
	return `lpad(to_hex(mod(COALESCE(sum(hashtextextended(` + key + `, 0)::numeric), 0), 9223372036854775807)::bigint), 16, '0')`
}

// pairs compares favorites or follows, by their keys. A pair that is there twice
// is stored once, and the row of each other one is left out.
func (v *verifier) pairs(ctx context.Context, kind source.Kind, k pairKind) error {
	t := TableProof{Kind: kind}
	err := pgx.BeginFunc(ctx, v.conn, func(tx pgx.Tx) error {
		w := &writing{run: v.run, tx: tx, kind: kind}
		if err := w.copyKeys(ctx, v.Source.Keys(ctx, kind)); err != nil {
			return err
		}
		// wanted has the pairs that should be here.
		if _, err := tx.Exec(ctx, `CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS SELECT DISTINCT s.key FROM seen s
			WHERE NOT EXISTS (SELECT FROM import_cases c WHERE c.import_id = $1 AND c.kind = $2 AND c.key = s.key AND c.code <> 'duplicate')`, v.importID, string(kind)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TEMPORARY TABLE present ON COMMIT DROP AS `+k.present, v.latestPair(), v.importID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `ANALYZE wanted, present`); err != nil {
			return err
		}
		var wanted int64
		if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM present), (SELECT count(*) FROM wanted),
			(SELECT `+checksumOf(`key`)+` FROM wanted), (SELECT `+checksumOf(`key`)+` FROM present)`).Scan(&t.There, &t.Here, &wanted, &t.ChecksumThere, &t.ChecksumHere); err != nil {
			return err
		}
		t.LeftOut = t.There - wanted
		var err error
		if t.Missing, err = w.onlyIn(ctx, v, "wanted", "present", Difference{Kind: kind, Fields: []string{}}); err != nil {
			return err
		}
		t.Extra, err = w.onlyIn(ctx, v, "present", "wanted", Difference{Kind: kind, Fields: []string{}, Extra: true})
		return err
	})
	if err != nil {
		return fmt.Errorf("compare %s: %w", kind, err)
	}
	v.proof.Tables = append(v.proof.Tables, t)
	v.progress.read[kind] = t.There
	v.progress.done(kind)
	return nil
}

// onlyIn counts the keys that are in one table and not in the other, and lists
// the first.
func (w *writing) onlyIn(ctx context.Context, v *verifier, in, notIn string, like Difference) (n int64, err error) {
	rows, err := w.tx.Query(ctx, `SELECT a.key, count(*) OVER () FROM `+in+` a WHERE NOT EXISTS (SELECT FROM `+notIn+` b WHERE b.key = a.key)
		ORDER BY a.key LIMIT $1`, maxDifferences)
	if err != nil {
		return 0, err
	}
	_, err = pgx.ForEachRow(rows, []any{&like.Key, &n}, func() error {
		v.differs(like)
		return nil
	})
	return n, err
}
