package filesource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/source"
)

// folder writes files for a test and returns their folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

func markdown(t testing.TB, dir string, options filesource.MarkdownOptions) *filesource.MarkdownSource {
	t.Helper()
	options.Now = func() time.Time { return now }
	s, err := filesource.Markdown(dir, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// one reads a folder with one file.
func one(t testing.TB, name, text string, options filesource.MarkdownOptions) source.Article {
	t.Helper()
	_, articles, _, _, _ := everything(t, markdown(t, folder(t, map[string]string{name: text}), options))
	require.Len(t, articles, 1)
	require.Equal(t, name, articles[0].Key)
	a := articles[0]
	a.Row = source.Row{}
	return a
}

// TestMarkdownPrograms reads what the usual programs write.
func TestMarkdownPrograms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		want       source.Article
	}{
		"HugoTOML": {"content/post/my-post/index.fr.md", `+++
title = 'Un "titre"'
date = 2024-01-02T03:04:05+01:00
lastmod = 2024-02-03
draft = true
tags = ['a', 'b c']
categories = ["news"]
author = "Anna"
[cover]
image = "cover.jpg"
alt = "x"
+++

Text {{< figure src="x" >}}
`, source.Article{Slug: "my-post", Title: `Un "titre"`, Body: "Text {{< figure src=\"x\" >}}\n", Tags: []string{"a", "b c", "news"}, Draft: true, AuthorKey: "anna",
			CreatedAt: time.Date(2024, 1, 2, 2, 4, 5, 0, time.UTC), UpdatedAt: date(2024, 2, 3), Language: "fr", Cover: "https://old.example.com/cover.jpg"}},
		"HugoYAML": {"content/post/a.md", "---\ntitle: A\ndate: 2024-01-02\npublishDate: 2024-07-01\nurl: /2024/01/the-url/\ntags: [x, x y]\nauthors:\n  - name: Anna\n    email: anna@example.com\n  - Bob\nsummary: S\n---\nB",
			source.Article{Slug: "the-url", Title: "A", Body: "B", Tags: []string{"x", "x y"}, AuthorKey: "anna", Description: "S", CreatedAt: date(2024, 1, 2), PublishedAt: date(2024, 7, 1), Draft: true}},
		"HugoJSON": {"content/a.md", "{\n  \"title\": \"A\",\n  \"tags\": \"x, y\", \"date\": \"2024-01-02T00:00:00Z\", \"slug\": \"b\"\n}\n\nB",
			source.Article{Slug: "b", Title: "A", Body: "B", Tags: []string{"x", "y"}, CreatedAt: date(2024, 1, 2)}},
		"Jekyll": {"_posts/2024-01-02-my-Name.markdown", "---\nlayout: post\ntags: one two\ncategories: [news]\nlast_modified_at: 2024-01-03 10:00:00 +0900\npermalink: /:year/:title/\nexcerpt: E\n---\n# Not the title: Jekyll? It is.\n\nB\n",
			source.Article{Slug: "my-name", Title: "Not the title: Jekyll? It is.", Body: "B\n", Tags: []string{"one", "two", "news"}, Description: "E", CreatedAt: date(2024, 1, 2), UpdatedAt: time.Date(2024, 1, 3, 1, 0, 0, 0, time.UTC)}},
		"JekyllDraft":       {"_drafts/idea.md", "---\ntitle: Idea\n---\n", source.Article{Slug: "idea", Title: "Idea", Draft: true}},
		"JekyllUnpublished": {"_posts/2024-01-02-a.md", "---\npublished: false\n---\nB", source.Article{Slug: "a", Title: "A", Body: "B", Draft: true, CreatedAt: date(2024, 1, 2)}},
		"Eleventy": {"src/posts/2024-01-02-a-b.md", "---json\n{\"title\": \"T\", \"canonical\": \"https://example.com/t\", \"permalink\": \"/posts/t/index.html\"}\n---\nB",
			source.Article{Slug: "t", Title: "T", Body: "B", Canonical: "https://example.com/t", CreatedAt: date(2024, 1, 2)}},
		"Astro": {"src/content/blog/first-post.mdx", "---\ntitle: 'First post'\ndescription: 'Lorem'\npubDate: 'Jul 08 2022'\nupdatedDate: 2022-07-09\nheroImage: '/blog.jpg'\nlang: en-GB\n---\n<Card />\n",
			source.Article{Slug: "first-post", Title: "First post", Description: "Lorem", Body: "<Card />\n", CreatedAt: date(2022, 7, 8), UpdatedAt: date(2022, 7, 9), Cover: "https://old.example.com/blog.jpg", Language: "en-GB"}},
		"Expired":       {"a.md", "---\ndate: 2024-01-01\nexpiryDate: 2024-02-01\n---\n", source.Article{Slug: "a", Title: "A", CreatedAt: date(2024, 1, 1), Draft: true}},
		"Future":        {"a.md", "---\ndate: 2024-06-02\n---\n", source.Article{Slug: "a", Title: "A", CreatedAt: date(2024, 6, 2), Draft: true}},
		"Nothing":       {"notes/Über uns.md", "Text", source.Article{Slug: "uber-uns", Title: "Über uns", Body: "Text"}},
		"CRLF":          {"a.md", "\xef\xbb\xbf---\r\ntitle: T\r\n---\r\n\r\nA\r\nB\r\n", source.Article{Slug: "a", Title: "T", Body: "A\nB\n"}},
		"CJK":           {"日本語.md", "---\ntitle: 日本語 👩‍🚀\ntags: [料理, 👍]\nslug: 日本語\n---\n本文\x00", source.Article{Slug: "日本語", Title: "日本語 👩‍🚀", Body: "本文\x00", Tags: []string{"料理", "👍"}}},
		"Null":          {"a.md", "---\ntitle:\ntags:\ndate:\nauthor: ~\n---\n", source.Article{Slug: "a", Title: "A"}},
		"NumberTitle":   {"a.md", "---\ntitle: 2024\ntags: [1, 2.5, true]\n---\n", source.Article{Slug: "a", Title: "2024", Tags: []string{"1", "2.5", "true"}}},
		"EmptyMatter":   {"a.md", "---\n---\nB", source.Article{Slug: "a", Title: "A", Body: "B"}},
		"ThreeDots":     {"a.md", "---\ntitle: T\n...\nB\n---\nC", source.Article{Slug: "a", Title: "T", Body: "B\n---\nC"}},
		"Command":       {"a.md", "{% include x %}\n", source.Article{Slug: "a", Title: "A", Body: "{% include x %}\n"}},
		"Traversal":     {"a.md", "---\nslug: ../../etc/passwd\n---\n", source.Article{Slug: "passwd", Title: "A"}},
		"AuthorSpacing": {"a.md", "---\nauthor: '  ＡNNA  '\n---\n", source.Article{Slug: "a", Title: "A", AuthorKey: "anna"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, one(t, c.file, c.text, filesource.MarkdownOptions{SiteURL: "https://old.example.com"}))
		})
	}
}

func TestMarkdownTitle(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"# T\n\nB":                  {"T", "B"},
		"\n\n  ## T ##  \nB":        {"T", "B"},
		"T\n===\nB":                 {"T", "B"},
		"T\n---\nB":                 {"T", "B"},
		"Intro\n\n# T\n\nB":         {"T", "Intro\n\nB"},
		"Intro\n\n## Not\n\nB":      {"A", "Intro\n\n## Not\n\nB"},
		"```sh\n# not\n```\n# T\nB": {"T", "```sh\n# not\n```\nB"},
		"~~~~\n# not\n~~~\n# not either\n~~~~\nB": {"A", "~~~~\n# not\n~~~\n# not either\n~~~~\nB"},
		"    # code\nB":       {"A", "    # code\nB"},
		"#hashtag\n":          {"A", "#hashtag\n"},
		"#\n# T":              {"T", "#\n"},
		"a\nb\n---\nB":        {"A", "a\nb\n---\nB"},
		"- a\n- b\n\n# 日本語 👍": {"日本語 👍", "- a\n- b\n\n"},
	} {
		a := one(t, "a.md", text, filesource.MarkdownOptions{})
		require.Equal(t, want, [2]string{a.Title, a.Body}, text)
	}
}

// TestMarkdownFolder checks which files are read, in which order, and who their
// authors are.
func TestMarkdownFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"b.md": "---\nauthor: Bob\n---\n", "a/z.MD": "---\nauthor: {name: BOB, email: bob@example.com}\n---\n", "a.md": "---\nauthors: [Anna, Bob]\n---\n", "c.md": "C",
		".git/x.md": "x", ".hidden.md": "x", "node_modules/p/README.md": "x", "_site/a.md": "x", "themes/t/README.md": "x", "layouts/page.html": "x",
		"posts/themes/d.md": "D", "posts/node_modules/p/README.md": "x", "vendor/node_modules/p/README.md": "x", "content/_index.md": "x", "notes.txt": "x",
	})
	outside := file(t, "secret.md", "secret")
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link.md")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "linked")))
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "circle")))
	var notes []string
	s := markdown(t, dir, filesource.MarkdownOptions{Author: "Desk", Note: func(n filesource.Note) { notes = append(notes, n.Key) }})
	require.Equal(t, fmt.Sprintf("5 Markdown files in the folder %s", dir), s.Describe())
	require.False(t, s.HasIDs(), "the keys are names")
	users, articles, _, _, _ := everything(t, s)
	var keys []string
	for _, a := range articles {
		keys = append(keys, a.Key+" by "+a.AuthorKey)
	}
	require.Equal(t, []string{"a.md by anna", "a/z.MD by bob", "b.md by bob", "c.md by desk", "posts/themes/d.md by desk"}, keys)
	require.Equal(t, []string{".git", "_site", "circle", "content/_index.md", "link.md", "linked", "themes"}, notes, "node_modules and a folder without Markdown are not worth a note")
	for i := range users {
		require.Equal(t, users[i].Key, users[i].Position)
		users[i].Row = source.Row{Key: users[i].Key}
	}
	require.Equal(t, []source.User{
		{Row: source.Row{Key: "anna"}, Username: "Anna"}, {Row: source.Row{Key: "bob"}, Username: "BOB", Email: "bob@example.com"}, {Row: source.Row{Key: "desk"}, Username: "Desk"},
	}, users)
}

func TestMarkdownRefused(t *testing.T) {
	t.Parallel()
	bomb := "---\na: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'm'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	for name, c := range map[string]struct{ text, want string }{
		"NotClosed":     {"---\ntitle: x\n", "a.md: the front matter that begins with --- in line 1 has no line --- or ... at its end"},
		"NotYAML":       {"---\ntitle: a: b\n---\n", "a.md: the front matter is no YAML (line 1 is that after the fence): "},
		"List":          {"---\n- a\n---\n", "a.md: the front matter is no list of names with values"},
		"NotTOML":       {"+++\ntitle = \n+++\n", "a.md: the front matter is no TOML at line 1"},
		"NotJSON":       {"{\n\"title\": }\n", "a.md: the front matter is no JSON object"},
		"Date":          {"---\ndate: soon\n---\n", "a.md: date is no date that is understood"},
		"Large":         {strings.Repeat("x", 3<<20), "a.md: the file is larger than 2097152 bytes"},
		"LargeMatter":   {"---\ntitle: " + strings.Repeat("x", 300<<10) + "\n---\n", "a.md: the front matter is longer than 262144 bytes"},
		"UTF-16":        {"\xff\xfe#\x00", "a.md: the file is UTF-16"},
		"Bomb":          {bomb + "---\n", "excessive aliasing"},
		"Cycle":         {"---\na: &a [*a]\n---\n", "a.md: the front matter is no YAML"},
		"DeepYAML":      {"---\na: " + strings.Repeat("[", 20_000) + "\n---\n", "a.md: the front matter is no YAML"},
		"DeepJSON":      {`{"a": ` + strings.Repeat("[", 20_000), "a.md: the front matter is no JSON object"},
		"DeepTOML":      {"+++\na = " + strings.Repeat("[", 100_000) + "\n+++\n", "a.md: the front matter is no TOML"},
		"DuplicateYAML": {"---\na: 1\na: 2\n---\n", "already defined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := filesource.Markdown(folder(t, map[string]string{"a.md": c.text, "b.md": "fine"}), filesource.MarkdownOptions{MaxFile: 2 << 20})
			require.ErrorContains(t, err, c.want)
			require.Less(t, len(err.Error()), 1000)
		})
	}
	_, err := filesource.Markdown(filepath.Join(t.TempDir(), "missing"), filesource.MarkdownOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = filesource.Markdown(t.TempDir(), filesource.MarkdownOptions{SiteURL: "example.com"})
	require.ErrorContains(t, err, "must begin with http:// or https://")

	many := map[string]string{}
	for i := range 30 {
		many[fmt.Sprintf("%02d.md", i)] = "+++"
	}
	_, err = filesource.Markdown(folder(t, many), filesource.MarkdownOptions{})
	require.ErrorContains(t, err, "19.md: ")
	require.ErrorContains(t, err, "and 10 more files")
}

// TestMarkdownChanged removes a file after the folder was opened.
func TestMarkdownChanged(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.md": "A", "b.md": "B"})
	s := markdown(t, dir, filesource.MarkdownOptions{})
	require.NoError(t, os.Remove(filepath.Join(dir, "b.md")))
	n := 0
	for a, err := range s.Articles(t.Context(), source.Range{}) {
		if n++; n == 2 {
			require.ErrorContains(t, err, "b.md: ")
			require.ErrorIs(t, err, os.ErrNotExist)
		} else {
			require.Equal(t, "A", a.Body)
		}
	}
	require.Equal(t, 2, n)
}

func FuzzMarkdown(f *testing.F) {
	f.Add("---\ntitle: T\ntags: [a, b]\ndate: 2024-01-02\n---\n# H\n")
	f.Add("+++\ntitle = 'T'\ndate = 2024-01-02\n[cover]\nimage = 'x'\n+++\nH\n===\n")
	f.Add("{\"title\": \"T\", \"authors\": [{\"name\": \"A\"}]}\nB")
	f.Add("---\na: &a {b: *a}\nslug: ///\n...\n```\n# x")
	dir := f.TempDir() // each process has its own
	f.Fuzz(func(t *testing.T, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "2024-01-02-a.md"), []byte(text), 0o600))
		s, err := filesource.Markdown(dir, filesource.MarkdownOptions{SiteURL: "https://example.com"})
		if err != nil {
			return
		}
		defer s.Close()
		articles := collect(t, s.Articles(t.Context(), source.Range{}))
		require.Len(t, articles, 1)
		require.NotEmpty(t, articles[0].Slug)
		require.NotEmpty(t, articles[0].Title)
		require.LessOrEqual(t, len(articles[0].Body), len(text))
	})
}
