// Package replica stores what the API of another server shows in the database
// of a Byline, so that both can be measured with the same data. Slugs, names,
// times, the order of tags, and the numbers of favorites are kept, which the API
// of Byline would choose itself.
package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/bench/internal/conduit"
)

// Result is what was stored.
type Result struct {
	Slugs     map[string]bool // of the stored articles
	Comments  int
	Favorites int
	// Refused counts the rows that the database refuses, by reason.
	Refused map[string]int
	// FavoritesCut is the number of articles that have fewer favorites than on
	// the other server, because of the bounds.
	FavoritesCut int
}

// maxFans bounds the accounts that are made to have favorites, and
// maxFavorites their favorites.
const (
	maxFans      = 1000
	maxFavorites = 200_000
)

// Store stores a snapshot. reader is the name of an account of the database,
// which follows the same authors and has the same favorites as the reader of
// the snapshot. mark makes the names of the accounts with other favorites
// unique.
func Store(ctx context.Context, url string, s *conduit.Snapshot, reader, mark string) (*Result, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	st := &store{conn: conn, out: Result{Slugs: map[string]bool{}, Refused: map[string]int{}}, users: map[string]int64{}, mark: mark}
	if err := st.all(ctx, s, reader); err != nil {
		return nil, fmt.Errorf("copy the data: %w", err)
	}
	// Without statistics the first minutes would be slower than the rest, and a
	// parallel VACUUM needs shared memory, which is scarce in containers.
	if _, err := conn.Exec(ctx, `VACUUM (ANALYZE, PARALLEL 0)`); err != nil {
		return nil, fmt.Errorf("analyze the copied data: %w", err)
	}
	return &st.out, nil
}

type store struct {
	conn  *pgx.Conn
	tx    pgx.Tx // the current one
	out   Result
	users map[string]int64 // ids by name; 0 if the database has refused the name
	mark  string
	fans  []int // wanted favorites of the stored articles
	slugs []string
}

// all stores the accounts, then each article in a transaction of its own. In a
// common transaction the counters that triggers update would have a dead row
// for each article, which later updates have to pass.
func (st *store) all(ctx context.Context, s *conduit.Snapshot, reader string) error {
	// The database is deleted at the end, and limits are for requests.
	if _, err := st.conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'off', false), set_config('statement_timeout', '0', false)`); err != nil {
		return err
	}
	var readerID int64
	if err := st.conn.QueryRow(ctx, `SELECT id FROM users WHERE username = $1`, reader).Scan(&readerID); err != nil {
		return fmt.Errorf("find the account of the reader: %w", err)
	}
	// Only the authors of articles are known to be followed or not, so that they
	// come before those of comments.
	err := st.begin(ctx, func() error {
		for _, a := range s.Articles {
			if _, err := st.user(ctx, a.Author, readerID); err != nil {
				return err
			}
		}
		return nil
	})
	// The oldest article comes first, so that ids rise with the time.
	for i := len(s.Articles) - 1; i >= 0 && err == nil; i-- {
		err = st.begin(ctx, func() error { return st.article(ctx, &s.Articles[i], readerID) })
	}
	if err != nil {
		return err
	}
	return st.begin(ctx, func() error { return st.favorites(ctx) })
}

// begin calls do in a transaction.
func (st *store) begin(ctx context.Context, do func() error) error {
	return pgx.BeginFunc(ctx, st.conn, func(tx pgx.Tx) error {
		st.tx = tx
		return do()
	})
}

// refusals are the classes of errors that are because of the row: invalid data,
// violated constraints, texts that are too long for an index, and errors of
// triggers.
var refusals = []string{"22", "23", "54", "P0"}

// row inserts a row and returns its id. A row that the database refuses is
// counted, and leaves what was stored before.
func (st *store) row(ctx context.Context, what, sql string, args ...any) (id int64, err error) {
	err = pgx.BeginFunc(ctx, st.tx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(&id) })
	if reason := refusal(err); reason != "" {
		st.out.Refused[what+": "+reason]++
		return 0, nil
	}
	return id, err
}

// refusal returns why the database refuses a row, or "" for other errors.
func refusal(err error) string {
	var refused *pgconn.PgError
	switch {
	case !errors.As(err, &refused) || len(refused.Code) != 5 || !slices.Contains(refusals, refused.Code[:2]):
		return ""
	case refused.Code[:2] == "54": // the message has the length
		return "a slug, tag or username is too long for an index"
	}
	return refused.Message // has no values of the row
}

func (st *store) user(ctx context.Context, u conduit.SnapAuthor, reader int64) (int64, error) {
	if id, known := st.users[u.Name]; known {
		return id, nil
	}
	// The password hash is none, so that nobody can sign in.
	id, err := st.row(ctx, "accounts", `INSERT INTO users (username, email, password_hash, bio, image) VALUES ($1, $2, '', $3, $4) RETURNING id`,
		u.Name, fmt.Sprintf("copied-%d@example.com", len(st.users)), u.Bio, u.Image)
	if err != nil {
		return 0, err
	}
	st.users[u.Name] = id
	if id == 0 || !u.Followed {
		return id, nil
	}
	_, err = st.tx.Exec(ctx, `INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)`, reader, id)
	return id, err
}

func (st *store) article(ctx context.Context, a *conduit.SnapArticle, reader int64) error {
	author, err := st.user(ctx, a.Author, reader)
	if err != nil {
		return err
	}
	if author == 0 {
		st.out.Refused["articles: their author was not stored"]++
		return nil
	}
	tags := a.Tags
	if tags == nil {
		tags = []string{} // null is not allowed
	}
	id, err := st.row(ctx, "articles", `
		WITH a AS (
			INSERT INTO articles (slug, author_id, title, description, body, tags, created_at, updated_at, published_at)
			VALUES ($1, $2, $3, $4, $5, $6, LEAST($7, now()), LEAST($8, now()), LEAST($7, now())) RETURNING id, slug
		), s AS (INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM a)
		SELECT id FROM a`, a.Slug, author, a.Title, a.Description, a.Body, tags, a.Created, a.Updated)
	if err != nil || id == 0 {
		return err
	}
	st.out.Slugs[a.Slug] = true
	fans := a.Favorites
	if a.Favorited {
		fans--
		if _, err := st.tx.Exec(ctx, `INSERT INTO favorites (article_id, user_id, article_created_at) SELECT id, $2, published_at FROM articles WHERE id = $1`, id, reader); err != nil {
			return err
		}
		st.out.Favorites++
	}
	st.slugs, st.fans = append(st.slugs, a.Slug), append(st.fans, fans)
	return st.comments(ctx, id, a.Comments, reader)
}

// comments stores the comments of an article with one statement. If the database
// refuses one, it stores the others one by one.
func (st *store) comments(ctx context.Context, article int64, all []conduit.SnapComment, reader int64) error {
	var authors []int64
	var bodies []string
	var times []time.Time
	for _, c := range all {
		by, err := st.user(ctx, c.Author, reader)
		if err != nil {
			return err
		}
		if by == 0 {
			st.out.Refused["comments: their author was not stored"]++
			continue
		}
		authors, bodies, times = append(authors, by), append(bodies, c.Body), append(times, c.Created)
	}
	err := pgx.BeginFunc(ctx, st.tx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO comments (article_id, author_id, body, created_at, updated_at)
			SELECT $1, c.author, c.body, LEAST(c.at, now()), LEAST(c.at, now()) FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) WITH ORDINALITY AS c (author, body, at, i) ORDER BY c.i`,
			article, authors, bodies, times)
		if err == nil {
			st.out.Comments += int(tag.RowsAffected())
		}
		return err
	})
	if refusal(err) == "" {
		return err
	}
	for i := range authors {
		id, err := st.row(ctx, "comments", `INSERT INTO comments (article_id, author_id, body, created_at, updated_at) VALUES ($1, $2, $3, LEAST($4, now()), LEAST($4, now())) RETURNING id`,
			article, authors[i], bodies[i], times[i])
		if err != nil {
			return err
		}
		if id != 0 {
			st.out.Comments++
		}
	}
	return nil
}

// favorites gives the articles as many favorites as they have on the other
// server. It is unknown whose they are, so accounts are made for them.
func (st *store) favorites(ctx context.Context) error {
	most, total := 0, 0
	for i, n := range st.fans {
		kept := max(min(n, maxFans, maxFavorites-total), 0)
		if kept < n {
			st.out.FavoritesCut++
		}
		st.fans[i] = kept
		total += kept
		most = max(most, kept)
	}
	if total == 0 {
		return nil
	}
	tag, err := st.tx.Exec(ctx, `
		WITH fans AS (
			INSERT INTO users (username, email, password_hash)
			SELECT 'fan-' || $1 || '-' || i, 'fan-' || $1 || '-' || i || '@example.com', '' FROM generate_series(1, $2::int) i RETURNING id
		), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM fans)
		INSERT INTO favorites (article_id, user_id, article_created_at)
		SELECT a.id, f.id, a.published_at FROM unnest($3::text[], $4::int[]) AS w (slug, n) JOIN articles a ON a.slug = w.slug JOIN numbered f ON f.n <= w.n`,
		st.mark, most, st.slugs, st.fans)
	st.out.Favorites += int(tag.RowsAffected())
	return err
}
