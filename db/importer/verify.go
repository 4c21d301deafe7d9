package importer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/db/importer/source"
)

// Proof is the result of Verify. It is kept as JSON.
type Proof struct {
	Import  string        `json:"import"`
	At      time.Time     `json:"at"`
	Tables  []TableProof  `json:"tables"`
	Authors []AuthorProof `json:"authors"`
	// Differences are the first ones of each table.
	Differences []Difference `json:"differences"`
}

// TableProof compares a table. The checksums are sums of a checksum of each row,
// without the fields that a rule has changed. They are the same on both sides if
// all rows are.
type TableProof struct {
	Kind source.Kind `json:"kind"`
	// There are the rows of the old system; Here are those that were found.
	There int64 `json:"there"`
	Here  int64 `json:"here"`
	// LeftOut were left out by a rule; Missing should be here and are not.
	LeftOut int64 `json:"leftOut"`
	Missing int64 `json:"missing"`
	// Different rows have other values here, and Extra ones are only here.
	Different     int64  `json:"different"`
	Extra         int64  `json:"extra"`
	ChecksumThere string `json:"checksumThere"`
	ChecksumHere  string `json:"checksumHere"`
}

// AuthorProof compares the articles and comments of an author, by the key that
// the author has in the old system.
type AuthorProof struct {
	Key           string `json:"key"`
	There         int64  `json:"there"`
	Here          int64  `json:"here"`
	ChecksumThere string `json:"checksumThere"`
	ChecksumHere  string `json:"checksumHere"`
}

// Difference is a row that is not the same on both sides. Fields is empty if the
// row is missing here, or, with Extra, there.
type Difference struct {
	Kind   source.Kind `json:"kind"`
	Key    string      `json:"key"`
	Fields []string    `json:"fields"`
	Extra  bool        `json:"extra,omitempty"`
}

// OK reports whether both sides are the same but for what the rules have done.
func (p *Proof) OK() bool {
	for _, t := range p.Tables {
		if t.Missing+t.Different+t.Extra != 0 || t.ChecksumThere != t.ChecksumHere {
			return false
		}
	}
	return true
}

// maxDifferences bounds the differences of a table that a proof has, and also the
// rows that are only here.
const maxDifferences = 50

// verifier compares both sides, row by row.
type verifier struct {
	*run
	proof   *Proof
	authors map[string]*authorSums
}

type authorSums struct {
	there, here       int64
	sumThere, sumHere uint64
}

// Verify compares all rows of the source with what an import has stored.
func Verify(ctx context.Context, pool *pgxpool.Pool, cfg Config) (*Proof, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("verify: connect: %w", err)
	}
	defer func() { _ = conn.Hijack().Close(context.WithoutCancel(ctx)) }()
	cfg.Name, cfg.DryRun = cmp.Or(cfg.Name, DefaultName), true
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	v := &verifier{run: &run{Config: cfg, conn: conn.Conn(), tags: map[string]string{}}, authors: map[string]*authorSums{}}
	if err := v.all(ctx); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return v.proof, nil
}

func (v *verifier) all(ctx context.Context) error {
	if err := v.prepare(ctx); err != nil {
		return err
	}
	if err := v.readState(ctx); err != nil {
		return err
	}
	if v.importID == 0 {
		return fmt.Errorf("there is no import %q", v.Name)
	}
	v.proof = &Proof{Import: v.Name, At: v.Now().UTC()}
	counts, err := v.Source.Counts(ctx)
	if err != nil {
		return err
	}
	v.progress = newProgress(v.Progress, v.OnTerminal, counts, &state{})
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error {
			return verifyRows(ctx, v, userTable, v.Source.Users(ctx, source.Range{}))
		},
		func(ctx context.Context) error {
			return verifyRows(ctx, v, articleTable, v.Source.Articles(ctx, source.Range{}))
		},
		func(ctx context.Context) error {
			return verifyRows(ctx, v, commentTable, v.Source.Comments(ctx, source.Range{}))
		},
		func(ctx context.Context) error { return v.pairs(ctx, source.Favorites, favoritePairs) },
		func(ctx context.Context) error { return v.pairs(ctx, source.Follows, followPairs) },
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for key, a := range v.authors {
		v.proof.Authors = append(v.proof.Authors, AuthorProof{key, a.there, a.here, hex(a.sumThere), hex(a.sumHere)})
	}
	slices.SortFunc(v.proof.Authors, func(a, b AuthorProof) int { return strings.Compare(a.Key, b.Key) })
	return nil
}

func hex(sum uint64) string { return fmt.Sprintf("%016x", sum) }

// verifyRows compares the rows of a table.
func verifyRows[R any](ctx context.Context, v *verifier, t table[R], rows iter.Seq2[R, error]) error {
	c := comparison{TableProof: TableProof{Kind: t.kind}}
	var chunk []R
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		err := pgx.BeginFunc(ctx, v.conn, func(tx pgx.Tx) error {
			return compareChunk(ctx, v, t, &writing{run: v.run, tx: tx, kind: t.kind}, chunk, &c)
		})
		v.progress.rows(t.kind, int64(len(chunk)))
		chunk = chunk[:0]
		return err
	}
	for row, err := range rows {
		if err != nil {
			return fmt.Errorf("read %s: %w", t.kind, err)
		}
		if chunk = append(chunk, row); len(chunk) == verifyRowsAtOnce {
			if err := flush(); err != nil {
				return fmt.Errorf("compare %s: %w", t.kind, err)
			}
		}
	}
	if err := flush(); err != nil {
		return fmt.Errorf("compare %s: %w", t.kind, err)
	}
	var here int64
	if err := v.conn.QueryRow(ctx, `SELECT count(*) FROM imported_rows WHERE import_id = $1 AND kind = $2`, v.importID, string(t.kind)).Scan(&here); err != nil {
		return err
	}
	c.Extra = max(0, here-c.imported)
	c.ChecksumThere, c.ChecksumHere = hex(c.sumThere), hex(c.sumHere)
	v.proof.Tables = append(v.proof.Tables, c.TableProof)
	v.progress.done(t.kind)
	return nil
}

// comparison is the proof of a table while it is made. imported counts the rows
// of the old system that were imported, also if they have been deleted here.
type comparison struct {
	TableProof
	imported          int64
	sumThere, sumHere uint64
}

const verifyRowsAtOnce = 1000

// compared is a row of the old system as it should be here.
type compared struct {
	key, author string
	values      []string
}

func compareChunk[R any](ctx context.Context, v *verifier, t table[R], w *writing, rows []R, c *comparison) error {
	if articles, ok := any(rows).([]source.Article); ok {
		if err := w.nameTags(ctx, articles); err != nil {
			return err
		}
	}
	lines := make([]compared, len(rows))
	for i, r := range rows {
		lines[i].key, lines[i].author, lines[i].values = t.row(v, w.judge(""), r)
	}
	if err := resolve(ctx, w, t, lines); err != nil {
		return err
	}
	keys := keysOf(lines, func(l compared) string { return l.key })
	known, err := w.known(ctx, t.kind, keys)
	if err != nil {
		return err
	}
	excluded, leftOut, err := w.casesOf(ctx, keys)
	if err != nil {
		return err
	}
	here, err := w.here(ctx, t.here, len(t.fields), known)
	if err != nil {
		return err
	}
	for _, l := range lines {
		c.There++
		before, isKnown := known[l.key]
		if isKnown {
			c.imported++
		} else if leftOut[l.key] {
			c.LeftOut++
			continue
		}
		row := here[before.id]
		for i, field := range t.fields {
			if row == nil {
				break
			}
			if l.values[i] == anything || excluded[[2]string{l.key, field}] || t.copies[field] != "" && excluded[[2]string{l.key, t.copies[field]}] {
				l.values[i] = row[i]
			}
		}
		v.compare(t.kind, t.fields, l, row, c)
	}
	return nil
}

// resolve replaces the keys that rows refer to by the ids here.
func resolve[R any](ctx context.Context, w *writing, t table[R], lines []compared) error {
	for i, field := range t.fields {
		kind, refers := t.references[field]
		if !refers {
			continue
		}
		ids, err := w.known(ctx, kind, distinctKeys(lines, func(l compared) string { return l.values[i] }))
		if err != nil {
			return err
		}
		for _, l := range lines {
			if to, ok := ids[l.values[i]]; ok {
				l.values[i] = strconv.FormatInt(to.id, 10)
			}
		}
	}
	return nil
}

// compare compares a row with the one here, which is nil if there is none.
func (v *verifier) compare(kind source.Kind, fields []string, l compared, row []string, c *comparison) {
	a := v.author(l.author)
	sum := uint64(newDigest().text(l.values...).sum())
	a.there++
	a.sumThere, c.sumThere = a.sumThere+sum, c.sumThere+sum
	if row == nil {
		c.Missing++
		v.differs(Difference{Kind: kind, Key: l.key, Fields: []string{}})
		return
	}
	c.Here++
	a.here++
	sum = uint64(newDigest().text(row...).sum())
	a.sumHere, c.sumHere = a.sumHere+sum, c.sumHere+sum
	var different []string
	for i, field := range fields {
		if l.values[i] != row[i] {
			different = append(different, field)
		}
	}
	if different != nil {
		c.Different++
		v.differs(Difference{Kind: kind, Key: l.key, Fields: different})
	}
}

// author returns the sums of an author.
func (v *verifier) author(key string) *authorSums {
	if key == "" {
		return &authorSums{} // of nobody
	}
	if v.authors[key] == nil {
		v.authors[key] = &authorSums{}
	}
	return v.authors[key]
}

// differs lists a difference, if there are not many of its kind.
func (v *verifier) differs(d Difference) {
	n := 0
	for _, other := range v.proof.Differences {
		if other.Kind == d.Kind && other.Extra == d.Extra {
			n++
		}
	}
	if n < maxDifferences {
		v.proof.Differences = append(v.proof.Differences, d)
	}
}

// casesOf returns the fields that a rule has changed, and the rows that one has
// left out. That a row lacked another one explains nothing once that one is here.
func (w *writing) casesOf(ctx context.Context, keys []string) (fields map[[2]string]bool, leftOut map[string]bool, err error) {
	rows, err := w.tx.Query(ctx, `SELECT c.key, c.field, c.code, c.action FROM import_cases c WHERE c.import_id = $1 AND c.kind = $2 AND c.key = ANY ($3) AND NOT `+arrived, w.importID, string(w.kind), keys)
	if err != nil {
		return nil, nil, err
	}
	fields, leftOut = map[[2]string]bool{}, map[string]bool{}
	var key, field string
	var code Code
	var action Action
	_, err = pgx.ForEachRow(rows, []any{&key, &field, &code, &action}, func() error {
		fields[[2]string{key, field}] = true
		if action == Skip && code != TagInvalid && code != MemberInvalid {
			leftOut[key] = true
		}
		return nil
	})
	return fields, leftOut, err
}

// here reads the values of rows.
func (w *writing) here(ctx context.Context, sql string, fields int, known map[string]imported) (map[int64][]string, error) {
	ids := make([]int64, 0, len(known))
	for _, k := range known {
		ids = append(ids, k.id)
	}
	rows, err := w.tx.Query(ctx, sql, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64][]string, len(ids))
	for rows.Next() {
		var id int64
		values := make([]string, fields)
		to := []any{&id}
		for i := range values {
			to = append(to, &values[i])
		}
		if err := rows.Scan(to...); err != nil {
			rows.Close()
			return nil, err
		}
		found[id] = values
	}
	return found, rows.Err()
}
