package conduit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// statusError is a response with an unexpected status. Its text contains
// nothing that differs between requests, such as ids, so that equal errors are
// counted together.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("status %d", e.status)
	}
	return fmt.Sprintf("status %d: %s", e.status, e.text)
}

// excerpt returns the errors member of an error response, which the contract
// requires.
func excerpt(body []byte) string {
	var answer struct{ Errors json.RawMessage }
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return Printable(string(answer.Errors[:min(len(answer.Errors), 120)]))
}

// Printable returns a text without line breaks and control characters, with
// which a server could change what the terminal shows.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
}

func decode[T any](body []byte) (out T, err error) {
	if err = json.Unmarshal(body, &out); err != nil {
		err = errors.New("the response is not JSON in the form of the contract")
	}
	return out, err
}

func checkArticle(v *visitor, body []byte) error {
	got, err := decode[articleAnswer](body)
	a := got.Article
	switch {
	case err != nil:
		return err
	case a.Slug != v.w.slugs[v.want.article]:
		return errors.New("the response contains another article than requested")
	case a.Title == "" || a.Body == nil || *a.Body == "" || a.Author.Username == "" || a.FavoritesCount < 0:
		return errors.New("an article without title, body, author or count")
	case v.want.user == nil && (a.Favorited || a.Author.Following):
		return errors.New("an anonymous reader has favorites or follows")
	}
	if l := v.liking[v.want.article]; v.want.user != nil && v.want.user == v.user && l != nil && l.known && a.Favorited != l.marked {
		return fmt.Errorf("favorited is %t after the reader's own write of %t", a.Favorited, l.marked)
	}
	return nil
}

// list checks what is true of all lists: articlesCount fits, the order is
// newest first, and there are no bodies.
func (v *visitor) list20(body []byte) (listAnswer, error) {
	got, err := decode[listAnswer](body)
	if err != nil {
		return got, err
	}
	if got.ArticlesCount == nil {
		return got, errors.New("a list without articlesCount")
	}
	for i, a := range got.Articles {
		switch {
		case a.Body != nil:
			return got, errors.New("a list with bodies")
		case a.Slug == "" || a.Title == "" || a.Author.Username == "" || a.FavoritesCount < 0:
			return got, errors.New("a list item without slug, title, author or count")
		case v.want.user == nil && (a.Favorited || a.Author.Following):
			return got, errors.New("an anonymous reader has favorites or follows")
		case i > 0 && a.CreatedAt.After(got.Articles[i-1].CreatedAt):
			return got, errors.New("a list is not ordered newest first")
		}
	}
	return got, nil
}

// checkList checks lists of all articles. They have full pages, and at least
// the articles that the benchmark knows, because it deletes none.
func checkList(v *visitor, body []byte) error {
	got, err := v.list20(body)
	switch {
	case err != nil:
		return err
	case len(got.Articles) != min(pageSize, len(v.w.slugs)):
		return fmt.Errorf("a list of %d articles instead of %d", len(got.Articles), min(pageSize, len(v.w.slugs)))
	case v.w.pageCounts && *got.ArticlesCount != len(got.Articles):
		return errors.New("articlesCount is not the length of the page, as it was before")
	case !v.w.pageCounts && *got.ArticlesCount < len(v.w.slugs):
		return errors.New("articlesCount is less than the number of articles")
	}
	return nil
}

func checkLast(v *visitor, body []byte) error {
	if err := checkList(v, body); err != nil {
		return err
	}
	if got, _ := decode[listAnswer](body); got.NextCursor != nil {
		return errors.New("the last page has a next page")
	}
	return nil
}

// filtered checks lists whose total is not known.
func (v *visitor) filtered(body []byte) (listAnswer, error) {
	got, err := v.list20(body)
	if err == nil && len(got.Articles) != min(pageSize, *got.ArticlesCount) {
		err = errors.New("the length of a list does not fit its articlesCount")
	}
	return got, err
}

func checkTagged(v *visitor, body []byte) error {
	got, err := v.filtered(body)
	for _, a := range got.Articles {
		if err == nil && !slices.Contains(a.TagList, v.w.tags[v.want.tag]) {
			err = errors.New("a list by tag has an article without the tag")
		}
	}
	return err
}

func checkFeed(v *visitor, body []byte) error {
	got, err := v.filtered(body)
	for _, a := range got.Articles {
		if err == nil && !a.Author.Following {
			err = errors.New("a feed has an author who is not followed")
		}
	}
	if err == nil && *got.ArticlesCount < v.want.user.FeedCount {
		err = errors.New("a feed has become shorter")
	}
	return err
}

func checkTags(_ *visitor, body []byte) error {
	got, err := decode[tagsAnswer](body)
	if err == nil && (len(got.Tags) == 0 || slices.Contains(got.Tags, "")) {
		err = errors.New("there are no tags, or a tag is empty")
	}
	return err
}

func checkComments(_ *visitor, body []byte) error {
	got, err := decode[commentsAnswer](body)
	seen := make(map[json.Number]bool, len(got.Comments))
	for _, c := range got.Comments {
		if err == nil && (seen[c.ID] || c.Body == "" || c.Author.Username == "") {
			err = errors.New("a comment is repeated, or has no body or author")
		}
		seen[c.ID] = true
	}
	return err
}

func checkProfile(v *visitor, body []byte) error {
	got, err := decode[profileAnswer](body)
	if err == nil && (got.Profile.Username != v.want.name || got.Profile.Following) {
		err = errors.New("the profile of another user, or an anonymous reader follows it")
	}
	return err
}

func checkLike(v *visitor, body []byte) error {
	got, err := decode[articleAnswer](body)
	switch {
	case err != nil:
		return err
	case got.Article.Slug != v.w.slugs[v.want.article]:
		return errors.New("the response contains another article than requested")
	case got.Article.Favorited == v.want.like.marked:
		return fmt.Errorf("favorited is %t in the response to its change", got.Article.Favorited)
	case got.Article.Favorited && got.Article.FavoritesCount < 1:
		return errors.New("favoritesCount is 0 for an article that has a favorite")
	}
	return nil
}

func checkComment(v *visitor, body []byte) error {
	got, err := decode[commentAnswer](body)
	if err == nil && (got.Comment.Body != string(v.want.text) || got.Comment.Author.Username != v.want.user.Name) {
		err = errors.New("a comment with another body or author than sent")
	}
	return err
}

func checkCreated(v *visitor, body []byte) error {
	got, err := decode[articleAnswer](body)
	a := got.Article
	if err == nil && (a.Title != string(v.want.text) || a.Slug == "" || len(a.TagList) != 3 || !strings.EqualFold(a.Author.Username, v.want.user.Name)) {
		err = errors.New("a new article with another title, tags or author than sent")
	}
	return err
}

func checkLogin(v *visitor, body []byte) error {
	got, err := decode[userAnswer](body)
	if err == nil && (got.User.Token == "" || got.User.Username != v.want.name) {
		err = errors.New("a sign-in without a token, or of another user")
	}
	return err
}
