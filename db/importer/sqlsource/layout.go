package sqlsource

import "strings"

// layout is a mapping with the names that the database has. A table that the old
// system does not have is "".
type layout struct {
	users struct {
		table                                                                                   string
		key, username, email, password, salt, bio, image, role, createdAt, updatedAt, deletedAt column
	}
	articles struct {
		table                                                                                                     string
		key, author, slug, title, description, body, tagList, draft, createdAt, updatedAt, publishedAt, deletedAt column
	}
	comments struct {
		table                                                               string
		key, article, author, parent, body, createdAt, updatedAt, deletedAt column
	}
	// tags has no table if articleTags has the names of the tags.
	tags struct {
		table     string
		key, name column
	}
	articleTags struct {
		table               string
		article, tag, order column
	}
	favorites pairTable
	follows   pairTable
}

// pairTable is a table of favorites or follows.
type pairTable struct {
	table                               string
	first, second, createdAt, deletedAt column
	// swapped says that an index sorts the rows by second, and none by first.
	swapped bool
}

// resolve finds the tables and columns of a mapping, and returns what is missing.
func (s schema) resolve(m Mapping) (layout, []string) {
	r := &resolver{schema: s}
	var l layout
	u := &l.users
	u.table = r.must("users", m.Users.Table)
	u.key, u.username, u.email = r.need("key", m.Users.Key), r.need("username", m.Users.Username), r.need("email", m.Users.Email)
	u.password = r.want("password", m.Users.Password)
	u.salt = r.may("salt", m.Users.Salt)
	u.bio, u.image, u.role = r.may("bio", m.Users.Bio), r.may("image", m.Users.Image), r.may("role", m.Users.Role)
	u.createdAt, u.updatedAt = r.when("createdAt", m.Users.CreatedAt), r.when("updatedAt", m.Users.UpdatedAt)
	u.deletedAt = r.when("deletedAt", m.Users.DeletedAt)

	a := &l.articles
	a.table = r.must("articles", m.Articles.Table)
	a.key, a.author, a.slug = r.need("key", m.Articles.Key), r.need("author", m.Articles.Author), r.need("slug", m.Articles.Slug)
	a.title, a.description, a.body = r.need("title", m.Articles.Title), r.want("description", m.Articles.Description), r.need("body", m.Articles.Body)
	a.tagList, a.draft = r.may("tagList", m.Articles.TagList), r.may("draft", m.Articles.Draft)
	a.createdAt, a.updatedAt, a.publishedAt = r.when("createdAt", m.Articles.CreatedAt), r.when("updatedAt", m.Articles.UpdatedAt), r.when("publishedAt", m.Articles.PublishedAt)
	a.deletedAt = r.when("deletedAt", m.Articles.DeletedAt)

	c := &l.comments
	if c.table = r.enter("comments", m.Comments.Table); c.table != "" {
		c.key, c.article, c.author = r.need("key", m.Comments.Key), r.need("article", m.Comments.Article), r.need("author", m.Comments.Author)
		c.parent, c.body = r.may("parent", m.Comments.Parent), r.need("body", m.Comments.Body)
		c.createdAt, c.updatedAt = r.when("createdAt", m.Comments.CreatedAt), r.when("updatedAt", m.Comments.UpdatedAt)
		c.deletedAt = r.when("deletedAt", m.Comments.DeletedAt)
	}
	if a.tagList.name == "" {
		l.resolveTags(r, m)
	}
	f := m.Favorites
	if l.favorites.table = r.enter("favorites", f.Table); l.favorites.table != "" {
		l.favorites.first, l.favorites.second, l.favorites.createdAt = r.need("article", f.Article), r.need("user", f.User), r.when("createdAt", f.CreatedAt)
		l.favorites.deletedAt = r.when("deletedAt", f.DeletedAt)
	}
	w := m.Follows
	if l.follows.table = r.enter("follows", w.Table); l.follows.table != "" {
		l.follows.first, l.follows.second, l.follows.createdAt = r.need("follower", w.Follower), r.need("followee", w.Followee), r.when("createdAt", w.CreatedAt)
		l.follows.deletedAt = r.when("deletedAt", w.DeletedAt)
	}
	return l, r.missing
}

// resolveTags finds the tags of articles. A join table refers to tags by their
// keys, or by their names if these are texts and the keys are numbers. Without a
// table of tags it has their names.
func (l *layout) resolveTags(r *resolver, m Mapping) {
	t := &l.articleTags
	if t.table = r.enter("articleTags", m.ArticleTags.Table); t.table == "" {
		return
	}
	t.article, t.tag, t.order = r.need("article", m.ArticleTags.Article), r.need("tag", m.ArticleTags.Tag), r.may("order", m.ArticleTags.Order)
	if m.Tags.Table.left() {
		return
	}
	_, found := first(m.Tags.Table, r.schema.tables(), func(name string) string { return name })
	if !found && !m.Tags.Table.given && strings.Contains(fold(t.tag.name), "name") {
		return
	}
	if l.tags.table = r.enter("tags", m.Tags.Table); l.tags.table == "" {
		return
	}
	l.tags.key, l.tags.name = r.need("key", m.Tags.Key), r.need("name", m.Tags.Name)
	if isNumber(l.tags.key.kind) && !isNumber(t.tag.kind) {
		l.tags.key = l.tags.name
	}
}
