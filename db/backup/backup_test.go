package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/seed"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func silent(string, int64, int64) {}

// site returns a database with rows in most tables, and its URL.
func site(t *testing.T) (*pgxpool.Pool, string) {
	t.Helper()
	url := dbtest.URL(t)
	pool := dbtest.OpenURL(t, url).Pool()
	cfg := seed.Small
	cfg.PasswordHash = "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	cfg.Schedule = func(ctx context.Context, tx pgx.Tx, id int64, at time.Time) error {
		return publish.Schedule(ctx, tx, id, &at)
	}
	_, err := seed.Run(t.Context(), pool, cfg)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `
		UPDATE users SET bio = E'日本語\n\t\\.\r\\N "\\ 👩‍🚀' WHERE id = (SELECT max(id) FROM users);
		UPDATE users SET bio = '', image = NULL WHERE id = (SELECT min(id) FROM users);
		INSERT INTO signing_keys (id, secret) VALUES ('k', decode(repeat('00ff0a5c', 8), 'hex'));
		INSERT INTO changes (keys) VALUES ('{a1}')`)
	require.NoError(t, err)
	return pool, url
}

func written(t *testing.T, pool *pgxpool.Pool) ([]byte, backup.Manifest) {
	t.Helper()
	var out bytes.Buffer
	m, err := backup.Write(t.Context(), pool, &out, "v1.2.3", silent)
	require.NoError(t, err)
	return out.Bytes(), m
}

// empty returns a database without tables into which a backup can be restored.
func empty(t *testing.T) backup.Target {
	t.Helper()
	return target(t, dbtest.EmptyURL(t))
}

func target(t *testing.T, url string) backup.Target {
	t.Helper()
	m, err := db.NewMigrator(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	newest, err := db.LatestVersion()
	require.NoError(t, err)
	return backup.Target{Pool: dbtest.OpenURL(t, url).Pool(), Newest: newest, MigrateTo: func(ctx context.Context, version int64) error {
		_, err := m.UpTo(ctx, version)
		return err
	}}
}

func ask[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) []T {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return list
}

// sameData checks that two backups have the same rows, in any order, and the
// same sequences.
func sameData(t *testing.T, want, got backup.Manifest) {
	t.Helper()
	require.Equal(t, len(want.Tables), len(got.Tables))
	for i, w := range want.Tables {
		require.Equal(t, w.Rows, got.Tables[i].Rows, w.Name)
		require.Equal(t, w.RowSum, got.Tables[i].RowSum, w.Name)
	}
	require.Equal(t, want.Sequences, got.Sequences)
}

// schema returns what restoring takes away for some time and puts back.
const schema = `SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text !~ '^pg_'
	UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
	UNION ALL SELECT tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	file, m := written(t, pool)
	require.EqualValues(t, "v1.2.3", m.Byline)
	require.WithinDuration(t, time.Now(), m.Time, time.Hour)
	read, err := backup.Verify(t.Context(), bytes.NewReader(file), silent)
	require.NoError(t, err)
	require.Equal(t, m, read)

	to := empty(t)
	restored, err := backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.NoError(t, err)
	require.Equal(t, m, restored)
	_, again := written(t, to.Pool)
	sameData(t, m, again)
	require.Greater(t, m.Rows(), int64(300))
	require.Equal(t, ask[string](t, pool, schema), ask[string](t, to.Pool, schema))
	require.Equal(t, ask[string](t, pool, `SELECT COALESCE(bio, '<none>') FROM users ORDER BY id`), ask[string](t, to.Pool, `SELECT COALESCE(bio, '<none>') FROM users ORDER BY id`))
	require.Equal(t, []string{"*"}, ask[string](t, to.Pool, `SELECT unnest(keys) FROM changes`), "the changes of the other cluster are left out")
	require.NotZero(t, ask[float32](t, to.Pool, `SELECT reltuples FROM pg_class WHERE oid = 'articles'::regclass`)[0], "the planner has statistics")

	// New rows get new ids, and foreign keys and triggers hold again.
	_, err = to.Pool.Exec(t.Context(), `INSERT INTO users (username, email, password_hash) VALUES ('new', 'new@example.com', '')`)
	require.NoError(t, err)
	_, err = to.Pool.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body) VALUES (-1, 1, 'b')`)
	require.ErrorContains(t, err, "comments_article_id_fkey")
	_, err = to.Pool.Exec(t.Context(), `DELETE FROM audit_log`)
	_, want := pool.Exec(t.Context(), `DELETE FROM audit_log`)
	require.Equal(t, want == nil, err == nil)
}

// TestSnapshot writes rows while a backup is written. None is in it, and no
// migration can change a table meanwhile.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	_, before := written(t, pool)
	told := 0
	var out bytes.Buffer
	m, err := backup.Write(t.Context(), pool, &out, "v", func(string, int64, int64) {
		told++
		_, err := pool.Exec(t.Context(), `INSERT INTO users (username, email, password_hash) VALUES ('u' || $1::int, 'u' || $1::int || '@example.com', '')`, told)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), `DO $$ BEGIN LOCK TABLE users IN ACCESS EXCLUSIVE MODE NOWAIT; END $$`)
		require.ErrorContains(t, err, "could not obtain lock")
	})
	require.NoError(t, err)
	require.Greater(t, told, 10)
	for i, table := range before.Tables {
		require.Equal(t, table.Sums, m.Tables[i].Sums, table.Name)
	}
	_, after := written(t, pool)
	require.Equal(t, before.Rows()+int64(told), after.Rows())
}

// TestOlderSchema restores the backup of an earlier release.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	pool, url := site(t)
	m, err := db.NewMigrator(url)
	require.NoError(t, err)
	defer m.Close()
	for range 3 {
		_, err := m.Down(t.Context())
		require.NoError(t, err)
	}
	file, older := written(t, pool)
	to := empty(t)
	require.Less(t, older.Schema, to.Newest)
	_, err = backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.NoError(t, err)
	_, newer := written(t, to.Pool)
	require.Equal(t, to.Newest, newer.Schema)
	require.Equal(t, older.Rows(), newer.Rows())
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, ask[string](t, pool, schema), ask[string](t, to.Pool, schema))
}

// TestNoStatistics stops a restore when all rows are stored.
func TestNoStatistics(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	file, m := written(t, pool)
	to := empty(t)
	ctx, cancel := context.WithCancel(t.Context())
	migrate := to.MigrateTo
	to.MigrateTo = func(ctx context.Context, version int64) error {
		if ask[bool](t, to.Pool, `SELECT to_regclass('users') IS NOT NULL`)[0] {
			cancel() // it is the second call
			return nil
		}
		return migrate(ctx, version)
	}
	_, err := backup.Restore(ctx, to, bytes.NewReader(file), silent)
	require.ErrorContains(t, err, "the backup is restored, but not the statistics")
	_, again := written(t, to.Pool)
	sameData(t, m, again)
}

func TestNotEmpty(t *testing.T) {
	t.Parallel()
	pool, url := site(t)
	file, _ := written(t, pool)
	_, err := backup.Restore(t.Context(), target(t, url), bytes.NewReader(file), silent)
	require.ErrorIs(t, err, backup.ErrRefused)
	require.ErrorContains(t, err, "BYLINE_DATA_DIR to a new folder")

	// One key is enough, which a service that has started stores.
	started := dbtest.URL(t)
	to := target(t, started)
	_, err = to.Pool.Exec(t.Context(), `INSERT INTO signing_keys (id, secret) VALUES ('k', decode(repeat('00', 32), 'hex'))`)
	require.NoError(t, err)
	_, err = backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.ErrorContains(t, err, "signing_keys")

	// Tables without rows are enough too.
	_, err = backup.Restore(t.Context(), target(t, dbtest.URL(t)), bytes.NewReader(file), silent)
	require.NoError(t, err)
}

// TestDamaged cuts a backup and changes bytes of it. Each is refused, by a
// verification and by a restore, which leaves nothing.
func TestDamaged(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	file, m := written(t, pool)
	to := empty(t)
	refuse := func(damaged []byte) {
		t.Helper()
		_, err := backup.Verify(t.Context(), bytes.NewReader(damaged), silent)
		require.ErrorIs(t, err, backup.ErrRefused)
	}
	for at := 0; at < len(file); at += len(file)/40 + 1 {
		refuse(file[:at])
		changed := bytes.Clone(file)
		changed[at] ^= 0x10
		refuse(changed)
	}
	refuse(append(bytes.Clone(file), file...)) // both are whole
	refuse(append(bytes.Clone(file), 'x'))
	for _, cut := range []int{1, 3, 4, 5, 100} { // the checksum of the compression, and what is before it
		refuse(file[:len(file)-cut])
	}
	for _, part := range []int{1, 2, 3} {
		_, err := backup.Restore(t.Context(), to, bytes.NewReader(file[:len(file)*part/4]), silent)
		require.ErrorIs(t, err, backup.ErrRefused)
		requireEmpty(t, to.Pool)
	}
	_, err := backup.Restore(t.Context(), to, bytes.NewReader(file[:len(file)-2]), silent)
	require.ErrorIs(t, err, backup.ErrRefused)
	requireEmpty(t, to.Pool)
	_, err = backup.Restore(t.Context(), to, bytes.NewReader(file), silent)
	require.NoError(t, err)
	_, again := written(t, to.Pool)
	sameData(t, m, again)
}

func requireEmpty(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	kept, _ := backup.Decided()
	for _, name := range kept {
		require.Equal(t, []bool{false}, ask[bool](t, pool, `SELECT EXISTS (SELECT FROM `+name+`)`), name)
	}
}

// TestForged changes members of a backup, as no damage of a disk would.
func TestForged(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	file, _ := written(t, pool)
	original := unpack(t, file)
	for name, change := range map[string]func([]member) []member{
		"NoManifest":    func(m []member) []member { return m[:len(m)-1] },
		"NoHeader":      func(m []member) []member { return m[1:] },
		"MemberMissing": func(m []member) []member { return slices.Delete(m, 2, 3) },
		"MemberTwice":   func(m []member) []member { return slices.Insert(m, 2, m[1]) },
		"MemberBehind":  func(m []member) []member { return append(m, m[1]) },
		"RowChanged": func(m []member) []member {
			return replaced(m, "tables/users/000001.copy", "example.com", "example.org")
		},
		"RowMissing": func(m []member) []member {
			i := slices.IndexFunc(m, func(m member) bool { return m.name == "tables/users/000001.copy" })
			_, m[i].text, _ = strings.Cut(m[i].text, "\n")
			return m
		},
		"NewerFormat": func(m []member) []member { return replaced(m, "header.json", `"format": 1`, `"format": 2`) },
		"NewerSchema": func(m []member) []member { return replaced(m, "header.json", `"schema": `, `"schema": 9`) },
		"OtherTable":  func(m []member) []member { return replaced(m, "header.json", `"users"`, `"pg_authid"`) },
		"TableMissing": func(m []member) []member {
			return slices.DeleteFunc(edited(t, m, func(f *backup.Manifest) {
				f.Tables = slices.DeleteFunc(f.Tables, func(t backup.Table) bool { return t.Name == "sessions" })
			}), func(m member) bool { return strings.HasPrefix(m.name, "tables/sessions/") })
		},
		"StrangeType": func(m []member) []member {
			return edited(t, m, func(f *backup.Manifest) {
				f.Tables[0].Columns = append(f.Tables[0].Columns, "more")
				f.Tables[0].Types = append(f.Tables[0].Types, "int; DROP TABLE users")
			})
		},
		"OtherColumns": func(m []member) []member { return replaced(m, "header.json", `"username"`, `"username, email"`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := target(t, dbtest.URL(t))
			_, err := backup.Restore(t.Context(), to, bytes.NewReader(pack(t, change(slices.Clone(original)))), silent)
			require.ErrorIs(t, err, backup.ErrRefused)
			requireEmpty(t, to.Pool)
		})
	}
}

// TestOtherPrograms reads a backup without package backup: tar and zstd are
// enough, and the checksum is that of the members of a table.
func TestOtherPrograms(t *testing.T) {
	t.Parallel()
	pool, _ := site(t)
	file, _ := written(t, pool)
	sums := map[string][]byte{}
	var m backup.Manifest
	for _, member := range unpack(t, file) {
		if member.name == "manifest.json" {
			require.NoError(t, json.Unmarshal([]byte(member.text), &m))
			continue
		}
		if parts := strings.Split(member.name, "/"); len(parts) == 3 {
			sums[parts[1]] = append(sums[parts[1]], member.text...)
		}
	}
	require.NotEmpty(t, m.Tables)
	for _, table := range m.Tables {
		sum := sha256.Sum256(sums[table.Name])
		require.Equal(t, table.SHA256, hex.EncodeToString(sum[:]), table.Name)
		require.EqualValues(t, bytes.Count(sums[table.Name], []byte("\n")), table.Rows, table.Name)
	}
}

type member struct{ name, text string }

func replaced(members []member, name, before, after string) []member {
	i := slices.IndexFunc(members, func(m member) bool { return m.name == name })
	members[i].text = strings.Replace(members[i].text, before, after, 1)
	return members
}

// edited changes the header and the manifest in the same way.
func edited(t *testing.T, members []member, change func(*backup.Manifest)) []member {
	t.Helper()
	for i, m := range members {
		if !strings.HasSuffix(m.name, ".json") {
			continue
		}
		var f backup.Manifest
		require.NoError(t, json.Unmarshal([]byte(m.text), &f))
		change(&f)
		text, err := json.Marshal(f)
		require.NoError(t, err)
		members[i].text = string(text)
	}
	return members
}

func unpack(t *testing.T, file []byte) (members []member) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return members
		}
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		members = append(members, member{h.Name, string(text)})
	}
}

func pack(t *testing.T, members []member) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, m := range members {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: 0o600}))
		_, err := io.WriteString(w, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return out.Bytes()
}
