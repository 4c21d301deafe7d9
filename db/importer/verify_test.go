package importer_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

func verify(t *testing.T, d *db.DB, m *memory) *importer.Proof {
	t.Helper()
	proof, err := importer.Verify(t.Context(), d.Pool(), importer.Config{Source: m})
	require.NoError(t, err)
	return proof
}

// TestVerify compares what was imported, and finds each way in which it can be
// other than in the old system.
func TestVerify(t *testing.T) {
	t.Parallel()
	t.Run("NoImport", func(t *testing.T) {
		t.Parallel()
		_, err := importer.Verify(t.Context(), dbtest.Open(t).Pool(), importer.Config{Source: small()})
		require.ErrorContains(t, err, `there is no import "default"`)
	})
	t.Run("Same", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Open(t)
		m := small()
		run(t, d, m)
		proof := verify(t, d, m)
		require.True(t, proof.OK(), proof)
		require.Len(t, proof.Authors, 5)
		for _, table := range proof.Tables {
			require.Equal(t, int64(5), table.There, table.Kind)
			require.Equal(t, int64(5), table.Here, table.Kind)
			require.Equal(t, table.ChecksumThere, table.ChecksumHere)
			require.NotEmpty(t, table.ChecksumHere)
		}
		for _, a := range proof.Authors {
			require.Equal(t, int64(2), a.There)
			require.Equal(t, a.ChecksumThere, a.ChecksumHere)
		}
	})
}

// TestVerifyDifferences changes what was imported.
func TestVerifyDifferences(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]importer.Difference{
		`UPDATE users SET bio = '' WHERE username = 'u1'`:                                                                                                                {Kind: source.Users, Key: "1", Fields: []string{"bio"}},
		`UPDATE articles SET body = body || ' ', slug = 'x' WHERE slug = 'a-2'`:                                                                                          {Kind: source.Articles, Key: "2", Fields: []string{"slug", "body"}},
		`UPDATE articles SET tags = '{ant,zebra,t3}' WHERE slug = 'a-3'`:                                                                                                 {Kind: source.Articles, Key: "3", Fields: []string{"tagList"}},
		`UPDATE articles SET status = 'draft', published_at = NULL, hidden = true WHERE slug = 'a-4'`:                                                                    {Kind: source.Articles, Key: "4", Fields: []string{"draft", "publishedAt"}},
		`UPDATE articles SET published_at = published_at + interval '1 ms' WHERE slug = 'a-5'`:                                                                           {Kind: source.Articles, Key: "5", Fields: []string{"publishedAt"}},
		`UPDATE articles SET details = '{"language": "de", "coverImage": {"url": "https://example.com"}, "canonicalUrl": "https://example.com"}' WHERE slug = 'a-1'`:     {Kind: source.Articles, Key: "1", Fields: []string{"language", "cover", "canonical"}},
		`UPDATE comments SET created_at = created_at + interval '1 ms' WHERE id = 104`:                                                                                   {Kind: source.Comments, Key: "104", Fields: []string{"createdAt"}},
		`DELETE FROM comments WHERE id = 105`:                                                                                                                            {Kind: source.Comments, Key: "105", Fields: []string{}},
		`DELETE FROM favorites WHERE user_id = (SELECT id FROM users WHERE username = 'u1')`:                                                                             {Kind: source.Favorites, Key: "1/2", Fields: []string{}},
		`INSERT INTO follows (follower_id, followee_id, created_at) SELECT u.id, v.id, '2024-03-01' FROM users u, users v WHERE u.username = 'u1' AND v.username = 'u4'`: {Kind: source.Follows, Key: "1/4", Fields: []string{}, Extra: true},
	} {
		t.Run(string(want.Kind)+want.Key, func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			m := small()
			run(t, d, m)
			_, err := d.Exec(t.Context(), sql)
			require.NoError(t, err)
			proof := verify(t, d, m)
			require.False(t, proof.OK())
			require.Equal(t, []importer.Difference{want}, proof.Differences)
			for _, table := range proof.Tables {
				require.Equal(t, table.Kind != want.Kind, table.ChecksumThere == table.ChecksumHere, table.Kind)
				require.Equal(t, table.Kind == want.Kind, table.Missing+table.Different+table.Extra == 1, table)
			}
		})
	}
}

// TestVerifyEqualPairs compares favorites and follows that are there several
// times, or that lead nowhere.
func TestVerifyEqualPairs(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.favorites = append(m.favorites, m.favorites[0], m.favorites[0], source.Favorite{UserKey: "99", ArticleKey: "1"}, source.Favorite{UserKey: "99", ArticleKey: "1"})
	m.follows = append(m.follows, source.Follow{FollowerKey: "1", FolloweeKey: "1"}, source.Follow{FollowerKey: "1", FolloweeKey: "1"})
	run(t, d, m)
	proof := verify(t, d, m)
	require.True(t, proof.OK(), proof)
	require.Equal(t, int64(4), proof.Tables[3].LeftOut)
	require.Equal(t, int64(2), proof.Tables[4].LeftOut)
	for _, table := range proof.Tables[3:] {
		require.Equal(t, table.There, table.Here+table.LeftOut)
	}
	for i := range 60 {
		m.follows = append(m.follows, source.Follow{FollowerKey: "1", FolloweeKey: strconv.Itoa(100 + i)})
	}
	proof = verify(t, d, m)
	require.Equal(t, int64(60), proof.Tables[4].Missing)
	require.Len(t, proof.Differences, 50)
}
