// Package changes is the feed of what transactions have changed.
//
// When a transaction changes something that caches depend on, a trigger writes
// a row to the table changes in the same transaction. A Key names the thing
// that changed. A Feed reads the rows and passes them to its subscribers: the
// cache drops the responses that depend on a key, and the authenticator drops
// the credentials that it concerns. A caller that has waited for Feed.Sync sees
// everything that had committed before, whichever replica wrote it.
//
// To add a kind of key:
//
//  1. Add its constant to the list below, with a letter that no other kind
//     has, and add it to the cases of Parse; if no id follows the letter, to
//     those of String too.
//  2. Add a constructor for its keys, or a variable if there is only one.
//  3. Add triggers that write it, in a new migration. For changes of single
//     rows with an id, use the function note_row, which takes the letter as its
//     argument (see 00004_accounts.sql). For many rows at once, write a
//     function like note_comments of 00008_changes.sql, and a trigger each for
//     INSERT, UPDATE and DELETE like those of favorites in 00003_derived.sql.
//  4. Use the key: a handler passes it to response.DependsOn, a subscriber
//     checks for its kind in Learn.
//  5. Add it to texts in key_test.go, and to TestWritten a statement for each
//     trigger that writes it. Run go test ./db ./db/changes.
//
// TestKinds compares the kinds below with those that the triggers can write.
// During a rolling upgrade, replicas of the previous version do not know the
// new kind. They take its keys to mean that anything may have changed.
package changes

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Kind is the first letter of a key in the database. The triggers write the
// same letters; TestKinds compares them.
type Kind byte

// The kinds of things that change. In a key, a kind of the first group is
// followed by an id, KindArticlesTagged by a tag, and a kind of the last group
// by nothing.
const (
	KindArticle    Kind = 'a' // an article: its row, or its deletion
	KindProfile    Kind = 'u' // what others see of a user
	KindComments   Kind = 'c' // the comments of an article, by its id
	KindArticlesBy Kind = 'b' // the list of the articles of an author
	KindSession    Kind = 's' // the end of a session
	KindAPIKey     Kind = 'k' // the end of an API key
	KindAccount    Kind = 'v' // the role or the suspension of a user
	KindSeries     Kind = 'e' // a series and the list of its articles
	// KindTranslations is a group of articles that are translations of one
	// another.
	KindTranslations Kind = 'r'
	KindFavoritesOf  Kind = 'f' // the articles that a user favors
	KindFollowsOf    Kind = 'o' // whom a user follows

	KindArticlesTagged Kind = 't' // the list of the articles with a tag

	KindArticles    Kind = 'l' // the list of all articles
	KindTags        Kind = 'g' // the list of tags
	KindAllSeries   Kind = 'E' // the list of all series
	KindSigningKeys Kind = 'K' // the keys that sign tokens
	KindEverything  Kind = '*' // anything may have changed
)

// Key names one thing that can change. Keys are comparable. The zero Key names
// nothing.
type Key struct {
	kind Kind
	id   int64
	name string
}

// Keys without an id.
var (
	Articles    = Key{kind: KindArticles}
	Tags        = Key{kind: KindTags}
	AllSeries   = Key{kind: KindAllSeries}
	SigningKeys = Key{kind: KindSigningKeys}
	Everything  = Key{kind: KindEverything}
)

// Article names an article.
func Article(id int64) Key { return Key{kind: KindArticle, id: id} }

// Profile names what others see of a user.
func Profile(userID int64) Key { return Key{kind: KindProfile, id: userID} }

// Comments names the comments of an article.
func Comments(articleID int64) Key { return Key{kind: KindComments, id: articleID} }

// ArticlesBy names the list of an author's articles.
func ArticlesBy(userID int64) Key { return Key{kind: KindArticlesBy, id: userID} }

// ArticlesTagged names the list of the articles with a tag.
func ArticlesTagged(tag string) Key { return Key{kind: KindArticlesTagged, name: tag} }

// Series names a series and the list of its articles.
func Series(id int64) Key { return Key{kind: KindSeries, id: id} }

// Translations names a group of articles that are translations of one another.
func Translations(group int64) Key { return Key{kind: KindTranslations, id: group} }

// FavoritesOf names the favorites of a user.
func FavoritesOf(userID int64) Key { return Key{kind: KindFavoritesOf, id: userID} }

// FollowsOf names the list of those whom a user follows.
func FollowsOf(userID int64) Key { return Key{kind: KindFollowsOf, id: userID} }

// Session names a session.
func Session(id int64) Key { return Key{kind: KindSession, id: id} }

// APIKey names an API key.
func APIKey(id int64) Key { return Key{kind: KindAPIKey, id: id} }

// Account names the role and the suspension of a user.
func Account(userID int64) Key { return Key{kind: KindAccount, id: userID} }

// Kind returns what sort of thing the key names.
func (k Key) Kind() Kind { return k.kind }

// ID returns the id that the key ends in, or 0 if it has none.
func (k Key) ID() int64 { return k.id }

// String returns the key as it is written in the database.
func (k Key) String() string {
	switch k.kind {
	case 0:
		return ""
	case KindArticlesTagged:
		return string(k.kind) + k.name
	case KindArticles, KindTags, KindAllSeries, KindSigningKeys, KindEverything:
		return string(k.kind)
	default:
		return string(k.kind) + strconv.FormatInt(k.id, 10)
	}
}

// Hash returns a hash of the key. It does not allocate.
func (k Key) Hash() uint64 {
	if k.name != "" {
		return xxhash.Sum64String(k.name) ^ uint64(k.kind)
	}
	// Ids are consecutive. Multiplying by this odd number (2^64 divided by the
	// golden ratio) spreads them over the high bits. The low bits of the
	// product depend only on the low bits of the id, hence the second round.
	const spread = 0x9E3779B97F4A7C15
	h := (uint64(k.id)<<8 | uint64(k.kind)) * spread
	h = (h ^ h>>32) * spread
	return h ^ h>>32
}

// Parse returns the key that a trigger wrote. It fails for a kind that this
// build does not know, since a newer version of the service may write others.
func Parse(text string) (Key, error) {
	if text == "" {
		return Key{}, errors.New("changes: the key is empty")
	}
	k := Key{kind: Kind(text[0])}
	rest := text[1:]
	switch k.kind {
	case KindArticlesTagged:
		k.name = rest
		return k, nil
	case KindArticles, KindTags, KindAllSeries, KindSigningKeys, KindEverything:
		if rest != "" {
			return Key{}, fmt.Errorf("changes: the key %q ends in %q", text, rest)
		}
		return k, nil
	case KindArticle, KindProfile, KindComments, KindArticlesBy, KindSession, KindAPIKey, KindAccount, KindSeries, KindTranslations, KindFavoritesOf, KindFollowsOf:
		id, err := strconv.ParseInt(rest, 10, 64)
		if err != nil {
			return Key{}, fmt.Errorf("changes: the key %q has no id: %w", text, err)
		}
		k.id = id
		return k, nil
	default:
		return Key{}, fmt.Errorf("changes: the key %q has an unknown kind", text)
	}
}
