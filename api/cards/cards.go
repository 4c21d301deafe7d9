// Package cards keeps what pages of articles consist of: which articles a page
// has, what all readers see of an article, and what one reader has marked. Most
// pages for signed-in readers are put together from these without a query.
//
// Each part is kept with the keys of what it depends on (db/changes), and is
// read again after one of them has changed. So a page shows everything that had
// committed before its request, as if it had been read from the database.
package cards

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/byline-api/byline/api/lru"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/query"
)

// Store keeps parts of pages in bounded memory. It has to be subscribed to the
// feed of changes: after what cards show the names of tags by, and before what
// stores pages that are made of cards. Its methods may be called concurrently.
type Store struct {
	changes.Freshness

	conn  query.DBTX
	sync  func(context.Context) error
	cards [shards]*lru.Cache[int64, *Card]
	pages *lru.Cache[PageKey, *Page]
	marks *lru.Cache[int64, *Marks]

	hits, misses atomic.Int64
}

// shards is the number of parts of the kept cards, each of which has a lock of
// its own, since a page looks up each of its cards.
const shards = 16

// New returns a Store of up to size bytes; 0 keeps nothing. sync is called by
// Sync; nil means that no other service writes to the database.
func New(conn query.DBTX, size int, sync func(context.Context) error) *Store {
	s := &Store{conn: conn, sync: sync, pages: lru.New[PageKey, *Page](size / 8), marks: lru.New[int64, *Marks](size / 8)}
	for i := range s.cards {
		s.cards[i] = lru.New[int64, *Card](size * 6 / 8 / shards)
	}
	if size == 0 {
		s.sync = nil
	}
	return s
}

var q = query.New()

// Sync returns when the store has learned of everything that had committed
// before the call. A request calls it before it uses the store.
func (s *Store) Sync(ctx context.Context) error {
	if s.sync == nil || request.From(ctx).Synced {
		return nil
	}
	return s.sync(ctx)
}

// A PageKey names a page of a list.
type PageKey struct {
	Scope         string // the list, as in its cursors
	After         page.Position
	Offset, Limit int32
}

// A Page has the ids of the articles of a page, newest first, and the number of
// articles in the whole list. It is not changed after it was kept.
type Page struct {
	IDs   []int64
	Total int64
	// Keys are the keys of the list in the feed of changes, if some name it.
	Keys []changes.Key

	basis changes.Basis
}

// overhead is about how many bytes a value takes besides its texts and ids:
// structs, map and list entries.
const overhead = 300

// Page returns a kept page, or nil.
func (s *Store) Page(key PageKey) *Page {
	if p, found := s.pages.Get(key); found && s.Fresh(p.basis) {
		return p
	}
	return nil
}

// KeepPage keeps a page that was read after since, and depends on keys.
func (s *Store) KeepPage(key PageKey, p *Page, since changes.Moment, keys []changes.Key) {
	p.basis = changes.NewBasis(since, keys...)
	s.pages.Put(key, p, overhead+len(key.Scope)+8*len(p.IDs)+p.basis.Size())
}

// Cards returns the cards of articles, in the order of their ids. It leaves out
// articles that are no longer public.
func (s *Store) Cards(ctx context.Context, ids []int64) ([]*Card, error) {
	out := make([]*Card, len(ids))
	var missing []int64
	for i, id := range ids {
		if c, found := s.shard(id).Get(id); found && s.Fresh(c.basis) {
			out[i] = c
		} else {
			missing = append(missing, id)
		}
	}
	s.hits.Add(int64(len(ids) - len(missing)))
	s.misses.Add(int64(len(missing)))
	if missing == nil {
		return out, nil
	}
	since := s.Now()
	rows, err := q.ArticleCards(ctx, s.conn, query.ArticleCardsParams{Ids: missing, PageLimit: int32(len(missing))})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		c := newCard(ctx, &rows[i])
		c.basis = changes.NewBasis(since, changes.Article(c.ID), changes.Profile(c.AuthorID))
		s.shard(c.ID).Put(c.ID, c, overhead+len(c.text)+stringBytes(c.Tags)+c.basis.Size())
		out[slices.Index(ids, c.ID)] = c
	}
	return slices.DeleteFunc(out, func(c *Card) bool { return c == nil }), nil
}

// stringBytes returns how many bytes the texts of a list take.
func stringBytes(all []string) (n int) {
	for _, text := range all {
		n += 16 + len(text) // on systems of 64 bits
	}
	return n
}

// Stats describes what the store keeps and how often it was of use.
type Stats struct {
	// Hits and Misses count the cards that pages needed.
	Hits, Misses int64
	// Parts are the cards, pages and marks that are kept, which take Bytes.
	Parts, Bytes int
}

// Stats returns the current figures.
func (s *Store) Stats() Stats {
	out := Stats{Hits: s.hits.Load(), Misses: s.misses.Load()}
	add := func(parts, bytes int) { out.Parts, out.Bytes = out.Parts+parts, out.Bytes+bytes }
	for _, shard := range s.cards {
		add(shard.Size())
	}
	add(s.pages.Size())
	add(s.marks.Size())
	return out
}

func (s *Store) shard(id int64) *lru.Cache[int64, *Card] { return s.cards[uint64(id)%shards] }
