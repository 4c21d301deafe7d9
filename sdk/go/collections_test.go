package byline_test

import (
	"net/http"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

// TestCollections runs the same steps as the tests of collections of the other
// SDKs: the members of an article, and what joins articles.
func TestCollections(t *testing.T) {
	ctx, n := t.Context(), openNewsroom(t)
	author, editor := n.join(t, byline.RoleAuthor), n.join(t, byline.RoleEditor)
	var parts []string
	for _, title := range []string{"One", "Two", "Three"} {
		parts = append(parts, n.publish(t, author, editor, newArticle(title+" "+n.id, n.id)).Slug)
	}

	step(t, "members of a front end", func(t *testing.T) {
		draft := newArticle("Members "+n.id, n.id)
		draft.Status, draft.Language, draft.MetaTitle = byline.StatusDraft, "PT-br", "For search engines"
		draft.CoverImage = &byline.CoverImage{URL: "https://cdn.example.com/a.jpg", Alt: "A press", Width: 1600, Height: 900}
		draft.Metadata = map[string]any{"layout": "wide", "hero": map[string]any{"loop": true, "video": "/a.mp4"}}
		created, err := author.Articles.Create(ctx, draft)
		noError(t, err)
		equal(t, []string{"pt-BR", "For search engines"}, []string{*created.Language, *created.MetaTitle})
		equal(t, draft.CoverImage, created.CoverImage)
		equal(t, draft.Metadata, created.Metadata)
		equal(t, 1, created.ReadingMinutes)
		changed, err := author.Articles.Update(ctx, created.Slug, byline.UpdateArticle{
			CoverImage: byline.Value(byline.ChangedCoverImage{Alt: byline.Ptr("An old press"), Width: byline.Null[int](), Height: byline.Null[int]()}),
			MetaTitle:  byline.Null[string](),
			Metadata:   byline.Value(map[string]any{"layout": nil, "hero": map[string]any{"loop": false}}),
		})
		noError(t, err)
		equal(t, &byline.CoverImage{URL: "https://cdn.example.com/a.jpg", Alt: "An old press"}, changed.CoverImage)
		equal(t, true, changed.MetaTitle == nil)
		equal(t, map[string]any{"hero": map[string]any{"loop": false, "video": "/a.mp4"}}, changed.Metadata)
		changed, err = author.Articles.Update(ctx, created.Slug, byline.UpdateArticle{CoverImage: byline.Null[byline.ChangedCoverImage]()})
		noError(t, err)
		equal(t, true, changed.CoverImage == nil)
	})
	step(t, "a slug of its own", func(t *testing.T) {
		own, next := "own-"+n.id, "next-"+n.id
		article := newArticle("Named by hand")
		article.Slug = own
		equal(t, own, n.publish(t, author, editor, article).Slug)
		_, err := editor.Articles.Create(ctx, article)
		e := requireError(t, err, http.StatusConflict, byline.CodeAlreadyTaken)
		equal(t, 1, len(e.Fields["slug"]))
		renamed, err := editor.Articles.Update(ctx, own, byline.UpdateArticle{Slug: byline.Value(next)})
		noError(t, err)
		equal(t, next, renamed.Slug)
		found, err := n.visitor.Articles.Get(ctx, own, nil)
		noError(t, err)
		equal(t, next, found.Slug)
		titled, err := editor.Articles.Update(ctx, next, byline.UpdateArticle{Title: byline.Ptr("Another title " + n.id)})
		noError(t, err)
		equal(t, next, titled.Slug)
		derived, err := editor.Articles.Update(ctx, next, byline.UpdateArticle{Slug: byline.Null[string]()})
		noError(t, err)
		equal(t, "another-title-"+n.id, derived.Slug)
	})
	series := "series-" + n.id
	order := func(t *testing.T) []string {
		t.Helper()
		found, err := n.visitor.Series.Get(ctx, series)
		noError(t, err)
		var slugs []string
		for _, part := range found.Articles {
			slugs = append(slugs, part.Slug)
		}
		return slugs
	}
	step(t, "series", func(t *testing.T) {
		wanted := byline.NewSeries{Title: "A series", Slug: series, Description: "In three parts"}
		_, err := author.Series.Create(ctx, wanted)
		requireError(t, err, http.StatusForbidden, byline.CodeRoleInsufficient)
		_, err = editor.Series.Create(ctx, wanted)
		noError(t, err)
		listed := false
		for each, err := range n.visitor.Series.ListAll(ctx, &byline.SeriesListParams{Limit: 1}) {
			noError(t, err)
			listed = listed || each.Slug == series
		}
		equal(t, true, listed)
	})
	step(t, "parts", func(t *testing.T) {
		for i, slug := range parts {
			part, err := editor.Articles.Update(ctx, slug, byline.UpdateArticle{Series: byline.Value(byline.NewPlaceInSeries{Slug: series})})
			noError(t, err)
			equal(t, &byline.PlaceInSeries{Slug: series, Title: "A series", Position: i + 1}, part.Series)
		}
		draft := newArticle("Four " + n.id)
		draft.Status, draft.Series = byline.StatusDraft, &byline.NewPlaceInSeries{Slug: series}
		_, err := author.Articles.Create(ctx, draft)
		noError(t, err)
		equal(t, parts, order(t))
	})
	step(t, "two editors sort a series", func(t *testing.T) {
		calls := 0
		edited, err := editor.Series.Edit(ctx, series, func(s *byline.Series) byline.UpdateSeries {
			if calls++; calls == 1 {
				_, err := n.admin.Series.Update(ctx, series, byline.UpdateSeries{Title: byline.Ptr("By the admin")})
				noError(t, err)
			}
			return byline.UpdateSeries{Articles: []string{parts[2], parts[0]}}
		})
		noError(t, err)
		equal(t, 2, calls)
		equal(t, "By the admin", edited.Title)
		equal(t, []string{parts[2], parts[0], parts[1]}, order(t))
	})
	step(t, "a part is removed, and the series", func(t *testing.T) {
		_, err := editor.Articles.Update(ctx, parts[0], byline.UpdateArticle{Series: byline.Null[byline.NewPlaceInSeries]()})
		noError(t, err)
		equal(t, []string{parts[2], parts[1]}, order(t))
		noError(t, editor.Series.Delete(ctx, series))
		_, err = n.visitor.Series.Get(ctx, series)
		requireError(t, err, http.StatusNotFound, byline.CodeNotFound)
		part, err := n.visitor.Articles.Get(ctx, parts[1], nil)
		noError(t, err)
		equal(t, true, part.Series == nil)
	})
	step(t, "translations", func(t *testing.T) {
		german := newArticle("Eins " + n.id)
		german.Language, german.TranslationOf = "de", parts[0]
		translated := n.publish(t, author, editor, german)
		equal(t, parts[0], translated.Translations[0].Slug)
		original, err := n.visitor.Articles.Get(ctx, parts[0], nil)
		noError(t, err)
		equal(t, []byline.Translation{{Language: byline.Ptr("de"), Slug: translated.Slug, Title: german.Title}}, original.Translations)
		_, err = editor.Articles.Update(ctx, translated.Slug, byline.UpdateArticle{TranslationOf: byline.Null[string]()})
		noError(t, err)
		original, err = n.visitor.Articles.Get(ctx, parts[0], nil)
		noError(t, err)
		equal(t, 0, len(original.Translations))
	})
	tags := []string{"alpha-" + n.id, "beta-" + n.id, "gamma-" + n.id}
	step(t, "pages of tags with counts", func(t *testing.T) {
		for i, slug := range parts {
			_, err := editor.Articles.Update(ctx, slug, byline.UpdateArticle{TagList: tags[:i+1]})
			noError(t, err)
		}
		counts := map[string]int64{}
		for _, prefix := range []string{"ALPHA-", "beta-", "gamma-"} {
			params := &byline.TagsPageParams{Prefix: prefix + n.id, Limit: 1, Counts: true}
			page, err := n.visitor.Tags.Page(ctx, params)
			noError(t, err)
			for _, each := range page.Counts {
				counts[each.Tag] = each.ArticlesCount
			}
		}
		equal(t, map[string]int64{tags[0]: 3, tags[1]: 2, tags[2]: 1}, counts)
		all := &byline.TagsPageParams{Limit: 1}
		found := 0
		for {
			page, err := n.visitor.Tags.Page(ctx, all)
			noError(t, err)
			for _, tag := range page.Tags {
				if tag == tags[0] || tag == tags[1] || tag == tags[2] {
					found++
				}
			}
			if all.Cursor = page.NextCursor; all.Cursor == "" {
				break
			}
		}
		equal(t, 3, found)
	})
	step(t, "a tag is described and renamed", func(t *testing.T) {
		change := byline.UpdateTagRequest{Name: byline.Ptr("Delta-" + n.id), Description: byline.Value("The fourth letter")}
		_, err := author.Tags.Update(ctx, tags[1], change)
		requireError(t, err, http.StatusForbidden, byline.CodeRoleInsufficient)
		renamed, err := editor.Tags.Update(ctx, tags[1], change)
		noError(t, err)
		equal(t, &byline.ManagedTag{Name: "Delta-" + n.id, Description: byline.Ptr("The fourth letter"), ArticlesCount: 2}, renamed)
		article, err := n.visitor.Articles.Get(ctx, parts[1], nil)
		noError(t, err)
		equal(t, []string{tags[0], "Delta-" + n.id}, article.TagList)
		page, err := n.visitor.Articles.List(ctx, &byline.ArticlesListParams{Tag: tags[1]})
		noError(t, err)
		equal(t, int64(2), page.TotalCount)
		_, err = editor.Tags.Update(ctx, tags[2], byline.UpdateTagRequest{Name: byline.Ptr(tags[1])})
		requireError(t, err, http.StatusConflict, byline.CodeAlreadyTaken)
	})
	step(t, "tags are merged", func(t *testing.T) {
		merged, err := editor.Tags.Merge(ctx, tags[2], byline.MergeTagRequest{Into: tags[0]})
		noError(t, err)
		equal(t, tags[0], merged.Name)
		article, err := n.visitor.Articles.Get(ctx, parts[2], nil)
		noError(t, err)
		equal(t, []string{tags[0], "Delta-" + n.id}, article.TagList)
		found, err := n.visitor.Tags.Get(ctx, tags[2])
		noError(t, err)
		equal(t, tags[0], found.Name)
	})
}
