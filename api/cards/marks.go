package cards

import (
	"context"
	"maps"

	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/query"
)

// Marks are which of some articles a reader favors, and which of some authors
// the reader follows. They are not changed after they were kept. The zero Marks
// are those of an anonymous reader.
type Marks struct {
	favorited map[int64]bool // by article
	following map[int64]bool // by author

	basis changes.Basis
}

// maxMarks is how many articles and authors are kept for a reader: those of
// some pages.
const maxMarks = 400

// markBytes is about how many bytes an entry of a map takes.
const markBytes = 20

// Marks returns what a reader has marked among some cards, and maybe more.
func (s *Store) Marks(ctx context.Context, reader int64, cards []*Card) (*Marks, error) {
	if reader == 0 || len(cards) == 0 {
		return &Marks{}, nil
	}
	kept, found := s.marks.Get(reader)
	if !found || !s.Fresh(kept.basis) {
		kept = &Marks{basis: s.basisOf(reader)}
	}
	missing := kept.missing(cards)
	if missing == nil {
		return kept, nil
	}
	if len(kept.favorited)+len(missing) > maxMarks {
		kept, missing = &Marks{basis: s.basisOf(reader)}, cards
	}
	arg := query.ArticleMarksParams{ViewerID: reader, Articles: make([]int64, len(missing)), Authors: make([]int64, len(missing))}
	for i, c := range missing {
		arg.Articles[i], arg.Authors[i] = c.ID, c.AuthorID
	}
	row, err := q.ArticleMarks(ctx, s.conn, arg)
	if err != nil {
		return nil, err
	}
	// The whole is as old as what was kept.
	m := &Marks{
		favorited: marked(kept.favorited, arg.Articles, row.Favorited),
		following: marked(kept.following, arg.Authors, row.Following),
		basis:     kept.basis,
	}
	s.marks.Put(reader, m, overhead+m.basis.Size()+markBytes*(len(m.favorited)+len(m.following)))
	return m, nil
}

func (s *Store) basisOf(reader int64) changes.Basis {
	return changes.NewBasis(s.Now(), changes.FavoritesOf(reader), changes.FollowsOf(reader))
}

// missing returns the cards whose article or author is not among the marks.
func (m *Marks) missing(cards []*Card) (out []*Card) {
	for _, c := range cards {
		_, article := m.favorited[c.ID]
		_, author := m.following[c.AuthorID]
		if !article || !author {
			out = append(out, c)
		}
	}
	return out
}

// marked returns a copy of kept in which each of some ids is noted too: as true
// if it is among those that are marked.
func marked(kept map[int64]bool, ids, marked []int64) map[int64]bool {
	all := make(map[int64]bool, len(kept)+len(ids))
	maps.Copy(all, kept)
	for _, id := range ids {
		all[id] = false
	}
	for _, id := range marked {
		all[id] = true
	}
	return all
}
