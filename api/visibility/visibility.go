// Package visibility decides what a viewer may see, and reads articles as the
// viewer sees them.
//
// The rule: an article is public if it is published, the time of its
// publication has come and no moderator has hidden it. The column
// articles.hidden says that it is not. Then only its author and editors see it;
// moderators too, if it is published. For all other viewers it does not exist.
// Only its author and moderators see a comment that a moderator has hidden, or
// that waits for the approval of one: the column comments.hidden says that it
// is not shown to everybody.
//
// The function article_visible (db/migrations, 00015) has the same rule for
// queries. The rule for comments is only there: comment_visible (00020). Lists
// of what is public need no rule: what is not public has no rows in
// article_tags and favorites, and articles are filtered with NOT hidden.
package visibility

import (
	"context"
	"encoding/json"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/details"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/api/words"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// Article is an article with its body as the viewer sees it.
type Article struct {
	// The JSON is what is stored under an Idempotency-Key: the replicas of an
	// older version read and write this name during an upgrade.
	query.ArticleItem `json:"ArticleCard"`
	// Asked is the requested slug: the current one or an earlier one.
	Asked string
	Body  string
	// Details is what package details has stored, or nil.
	Details json.RawMessage `json:",omitempty"`
	// Words is zero if nobody has counted the body yet.
	Words words.Counts
	// Hidden is nil unless a moderator has hidden the article.
	Hidden *Hiding
	// Revision is the number of the revision that the text is. It is zero if a
	// replica of an older version has stored the article.
	Revision int32
	// Publication is zero if a replica of an older version has stored the
	// article under an Idempotency-Key.
	Publication Publication
	Related     Related
	// CommentsClosed means that the article takes no new comments.
	CommentsClosed bool
}

// Publication is whether and when an article is published.
type Publication struct {
	Status string
	// At is nil for a draft and in review. It is in the future for a scheduled
	// article. EndsAt is when the article becomes a draft again, if ever.
	At, EndsAt *time.Time
}

// Hiding is the reason and the time of hiding something.
type Hiding struct {
	Reason string
	At     time.Time
}

// View renders the article. html is nil unless it was requested.
func (a Article) View(ctx context.Context, html *markup.Text) openapi.Article {
	out := view.Article(ctx, a.ArticleItem, a.Body, html, a.Hidden.View())
	out.Revision = max(a.Revision, 1)
	details.Show(a.Details, &out)
	counts := a.Words
	if counts == (words.Counts{}) {
		counts = words.Count(a.Body)
	}
	out.WordCount, out.ReadingMinutes = counts.Words, counts.Minutes
	out.CommentsOpen = !a.CommentsClosed
	out.Series, out.Translations = a.Related.view()
	out.Status, out.UnpublishAt = openapi.ArticleStatus(a.Publication.Status), view.TimestampOrNull(a.Publication.EndsAt)
	switch at := a.Publication.At; {
	case out.Status == "":
		out.Status, out.PublishedAt = openapi.StatusPublished, new(out.CreatedAt)
	case at != nil && at.Equal(a.CreatedAt): // as of most articles: saves an allocation
		out.PublishedAt = new(out.CreatedAt)
	default:
		out.PublishedAt = view.TimestampOrNull(at)
	}
	return out
}

// Facts returns what the HTTP server needs to know of a response that shows the
// article: its dependencies and its version.
func (a Article) Facts() response.Facts {
	return response.DependsOn(a.Related.keys(changes.Article(a.ID), changes.Profile(a.AuthorID))...).OfVersion(a.ID, a.Version)
}

// View renders a hiding, which may be nil.
func (h *Hiding) View() *openapi.Hidden {
	if h == nil {
		return nil
	}
	return view.Hidden(h.Reason, h.At)
}

// The levels of article_visible.
const (
	levelNone int32 = iota
	levelModerator
	levelEditor
)

// Level returns what queries need to know of a viewer to decide what the viewer
// sees, besides the id.
func Level(v auth.Viewer) int32 {
	switch {
	case v.Edits():
		return levelEditor
	case v.Moderates():
		return levelModerator
	default:
		return levelNone
	}
}

// To reports whether the viewer may see an article by an author. The argument
// hidden says that it is not public.
func To(ctx context.Context, hidden bool, status string, authorID int64) bool {
	viewer := request.Viewer(ctx)
	needed := levelEditor
	if status == string(openapi.StatusPublished) {
		needed = levelModerator
	}
	return !hidden || viewer.ID == authorID || Level(viewer) >= needed
}

// GetArticle returns the article that has or had a slug. The error is a 404 if
// the viewer sees no such article.
func (f *Finder) GetArticle(ctx context.Context, slug string) (Article, error) {
	viewer := request.Viewer(ctx)
	r, err := f.together.Get(ctx, query.ArticleGetBySlugParams{ViewerID: viewer.ID, ViewerLevel: Level(viewer), Slug: slug})
	if db.IsNotFound(err) && viewer.ID != 0 {
		return getDraft(ctx, f.db, slug)
	}
	if err != nil {
		return Article{}, translate.NotFound(err, "article")
	}
	list := []Article{article(r)}
	return list[0], complete(ctx, f.db, list)
}

// getDraft returns an article by a name that was never public, or a 404.
func getDraft(ctx context.Context, conn query.DBTX, slug string) (Article, error) {
	list, _, err := GetArticles(ctx, conn, []string{slug})
	if err == nil && len(list) == 0 {
		err = problem.NotFound("article")
	}
	if err != nil {
		return Article{}, err
	}
	return list[0], nil
}

// ReadArticle returns an article that the viewer has changed. A slug may lead
// to another article by now: somebody else has published one with the same
// title, or the viewer is an editor who has a draft with it.
func ReadArticle(ctx context.Context, tx query.DBTX, id int64) (Article, error) {
	r, err := q.ArticleGet(ctx, tx, query.ArticleGetParams{ID: id, ViewerID: request.Viewer(ctx).ID})
	if err != nil {
		return Article{}, translate.NotFound(err, "article")
	}
	list := []Article{article(query.ArticleGetBySlugRow(r))}
	return list[0], complete(ctx, tx, list)
}

// GetEdited is GetArticle for what only those who may change the article see.
func (f *Finder) GetEdited(ctx context.Context, slug string) (Article, error) {
	a, err := f.GetArticle(ctx, slug)
	if err == nil && !request.Viewer(ctx).MayEdit(a.AuthorID) {
		err = problem.NotFound("article")
	}
	return a, err
}

// GetPreview returns the article of the preview whose token has a hash, as it
// would be if it were published now. The error is a 404 if there is none.
func GetPreview(ctx context.Context, conn query.DBTX, tokenHash []byte) (Article, error) {
	r, err := q.PreviewGet(ctx, conn, tokenHash)
	if err != nil {
		return Article{}, translate.NotFound(err, "preview")
	}
	a := article(query.ArticleGetBySlugRow(r))
	a.Hidden = nil // by no moderator: see valid_previews
	_, err = a.TakeCopy(ctx, conn)
	return a, err
}

// TakeCopy gives the article the text of its working copy, which it returns, or
// nil if there is none.
func (a *Article) TakeCopy(ctx context.Context, conn query.DBTX) (*query.WorkingCopyGetRow, error) {
	if a.Publication.At == nil { // a draft has none
		return nil, nil
	}
	w, err := q.WorkingCopyGet(ctx, conn, query.WorkingCopyGetParams{ArticleID: a.ID, ViewerID: request.Viewer(ctx).ID})
	if db.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a.Title, a.Description, a.Body, a.Tags, a.UpdatedAt, a.Revision = w.Title, w.Description, w.Body, w.Tags, w.UpdatedAt, w.Revision
	a.Details, a.Words = w.Details, words.Counts{Words: w.WordCount, Minutes: w.ReadingMinutes}
	return &w, nil
}

// GetArticles returns the articles that have or had the slugs and that the
// viewer may see, in the order of the slugs. If their texts have more than
// budget.Text bytes together, it returns the first articles, and the slugs of
// the rest.
func GetArticles(ctx context.Context, conn query.DBTX, slugs []string) (list []Article, rest []string, err error) {
	first, err := readArticles(ctx, conn, slugs, budget.Unreserved)
	if err != nil {
		return nil, nil, err
	}
	list, rest = first.list, first.rest
	if len(rest) > 0 {
		if err := request.From(ctx).Memory.Reserve(min(first.bytes, budget.Text)); err != nil {
			return nil, nil, err
		}
		more, err := readArticles(ctx, conn, rest, budget.Text-first.read)
		if err != nil {
			return nil, nil, err
		}
		list, rest = append(list, more.list...), more.rest
	}
	return list, rest, complete(ctx, conn, list)
}

// articlesRead are articles with their bodies, and the slugs of those whose
// texts were not read.
type articlesRead struct {
	list []Article
	rest []string
	// read and bytes are the lengths of the texts that were read, and of all.
	read, bytes int
}

// readArticles reads articles with texts of at most limit bytes together.
func readArticles(ctx context.Context, conn query.DBTX, slugs []string, limit int) (out articlesRead, err error) {
	viewer := request.Viewer(ctx)
	rows, err := q.ArticleListBySlugs(ctx, conn, query.ArticleListBySlugsParams{
		ViewerID: viewer.ID, ViewerLevel: Level(viewer), Slugs: slugs, MaxBytes: int64(limit),
	})
	for _, r := range rows {
		out.bytes += int(r.TextBytes)
		asked := slugs[r.Position-1]
		if len(r.Body)+len(r.Details) != int(r.TextBytes) {
			out.rest = append(out.rest, asked)
			continue
		}
		out.read += int(r.TextBytes)
		a := article(query.ArticleGetBySlugRow(r))
		a.Asked = asked
		out.list = append(out.list, a)
	}
	return out, err
}

// article returns a row as an Article. Hidden is not nil if the article is not
// public; reveal replaces it.
func article(r query.ArticleGetBySlugRow) Article {
	a := Article{
		Body: r.Body, Details: r.Details, Words: words.Counts{Words: r.WordCount, Minutes: r.ReadingMinutes},
		ArticleItem: query.ArticleItem{
			ID: r.ID, Slug: r.Slug, Title: r.Title, Description: r.Description, Tags: r.Tags,
			FavoritesCount: r.FavoritesCount, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			PublishedAt: optional.Or(r.PublishedAt, r.CreatedAt), AuthorID: r.AuthorID, Username: r.Username, Bio: r.Bio, Image: r.Image,
			Favorited: r.Favorited, Following: r.Following,
		},
		Revision:       r.OwnRevision,
		Publication:    Publication{Status: r.Status, At: r.PublishedAt, EndsAt: r.UnpublishAt},
		Related:        Related{seriesID: r.SeriesID, group: r.TranslationGroup},
		CommentsClosed: !r.CommentsOpen,
	}
	if r.Hidden {
		a.Hidden = &Hiding{}
	}
	return a
}

// FindArticle returns the author of an article that the viewer may see. The
// error is a 404 if there is none.
func FindArticle(ctx context.Context, conn query.DBTX, slug string) (query.ArticleAuthorRow, error) {
	viewer := request.Viewer(ctx)
	a, err := q.ArticleAuthor(ctx, conn, query.ArticleAuthorParams{Slug: slug, ViewerID: viewer.ID, ViewerLevel: Level(viewer)})
	return a, translate.NotFound(err, "article")
}

// complete adds what most articles do not have. It costs a query for each only
// if there is one that has it.
func complete(ctx context.Context, conn query.DBTX, list []Article) error {
	if err := reveal(ctx, conn, list); err != nil {
		return err
	}
	return relate(ctx, conn, list)
}

// FindEdited is FindArticle for what only those who may change the article see.
func FindEdited(ctx context.Context, conn query.DBTX, slug string) (query.ArticleAuthorRow, error) {
	a, err := FindArticle(ctx, conn, slug)
	if err == nil && !request.Viewer(ctx).MayEdit(a.AuthorID) {
		err = problem.NotFound("article")
	}
	return a, err
}

// reveal completes the articles of a list that are not public. It costs a query
// only if there are some.
func reveal(ctx context.Context, conn query.DBTX, list []Article) error {
	var ids []int64
	for _, a := range list {
		if a.Hidden != nil {
			ids = append(ids, a.ID)
		}
	}
	if ids == nil {
		return nil
	}
	rows, err := q.HiddenArticleList(ctx, conn, query.HiddenArticleListParams{ViewerID: request.Viewer(ctx).ID, ArticleIds: ids})
	if err != nil {
		return err
	}
	found := make(map[int64]query.HiddenArticleListRow, len(rows))
	for _, r := range rows {
		found[r.ID] = r
	}
	for i := range list {
		a := &list[i]
		if a.Hidden == nil {
			continue
		}
		r := found[a.ID]
		if a.Hidden = nil; r.Reason != nil {
			a.Hidden = &Hiding{Reason: *r.Reason, At: *r.CreatedAt}
		}
		a.FavoritesCount, a.Favorited = r.FavoritesCount, r.Favorited
	}
	return nil
}

// HiddenComments returns the hiding of each comment of some ids. It costs a
// query only if there are ids.
func HiddenComments(ctx context.Context, conn query.DBTX, ids []int64) (map[int64]*Hiding, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := q.HiddenCommentList(ctx, conn, ids)
	hidden := make(map[int64]*Hiding, len(rows))
	for _, r := range rows {
		hidden[r.ID] = &Hiding{Reason: r.Reason, At: r.CreatedAt}
	}
	return hidden, err
}
