package db_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

// text has letters that no two encodings write alike.
const text = "Grüße, Ωμέγα, 日本"

// TestClientEncoding checks that text is stored as it is, whatever encoding the
// database, the role or the URL asks for.
func TestClientEncoding(t *testing.T) {
	t.Parallel()
	base := dbtest.EmptyURL(t)
	u, err := url.Parse(base)
	require.NoError(t, err)
	_, err = dbtest.OpenURL(t, base).Exec(t.Context(), `ALTER DATABASE `+pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()+` SET client_encoding = 'LATIN1'`)
	require.NoError(t, err)
	for _, url := range []string{base, base + "&client_encoding=LATIN1"} {
		_, err = migrator(t, url).Up(t.Context())
		require.NoError(t, err)
		d := dbtest.OpenURL(t, url)
		var encoding string
		require.NoError(t, d.QueryRow(t.Context(), `SHOW client_encoding`).Scan(&encoding))
		require.Equal(t, "UTF8", encoding)
		var got, hex string
		require.NoError(t, d.QueryRow(t.Context(), `SELECT $1::text, encode(convert_to($1, 'UTF8'), 'hex')`, text).Scan(&got, &hex))
		require.Equal(t, text, got)
		require.Equal(t, "4772c3bcc39f65", hex[:14])
	}
}

// TestServerEncoding checks that databases in other encodings are refused.
func TestServerEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			url := dbtest.EncodedURL(t, encoding)
			_, err := migrator(t, url).Up(t.Context())
			require.ErrorContains(t, err, "the encoding of the database is "+encoding)
			require.Contains(t, db.Remedy(err), "ENCODING 'UTF8'")
			_, err = dbtest.OpenURL(t, url).Exec(t.Context(), `SELECT 1`)
			require.ErrorContains(t, err, "the encoding of the database is "+encoding)
		})
	}
}

// TestFoldsCase checks that a database is recognized whose locale does not know
// letters outside of ASCII.
func TestFoldsCase(t *testing.T) {
	t.Parallel()
	d := dbtest.OpenURL(t, dbtest.EncodedURL(t, "UTF8"))
	folds, err := d.FoldsCase(t.Context())
	require.NoError(t, err)
	require.False(t, folds, "the locale of the database is C")
}
