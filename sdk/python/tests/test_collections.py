"""Runs the same steps as the tests of collections of the other SDKs: the members
of an article, and what joins articles."""

from __future__ import annotations

from clients import Clients, step
from newsroom import Newsroom, needs_newsroom, rejects

from byline_client import models


@needs_newsroom
def test_collections(clients: Clients) -> None:
    newsroom = Newsroom(clients)
    visitor, other, tag = newsroom.visitor, newsroom.other, newsroom.id
    author, editor = newsroom.join("author"), newsroom.join("editor")
    one, two, three = parts = [
        newsroom.publish(author, editor, newsroom.new_article(title)).slug
        for title in ("One", "Two", "Three")
    ]

    step("members of a front end")
    cover = models.CoverImage(
        url="https://cdn.example.com/a.jpg", alt="A press", width=1600, height=900
    )
    metadata = {"layout": "wide", "hero": {"loop": True, "video": "/a.mp4"}}
    members = newsroom.new_article("Members")
    members["language"] = "PT-br"
    created = author.articles.create(
        **members,
        status="draft",
        meta_title="For search engines",
        cover_image=cover,
        metadata=metadata,
    )
    assert (created.language, created.meta_title) == ("pt-BR", "For search engines")
    assert (created.cover_image, created.metadata) == (cover, metadata)
    assert created.reading_minutes == 1
    changed = author.articles.update(
        created.slug,
        cover_image=models.ChangedCoverImage(alt="An old press", width=None, height=None),
        meta_title=None,
        metadata={"layout": None, "hero": {"loop": False}},
    )
    assert changed.cover_image == models.CoverImage(url=cover.url, alt="An old press")
    assert changed.meta_title is None
    assert changed.metadata == {"hero": {"loop": False, "video": "/a.mp4"}}
    assert author.articles.update(created.slug, cover_image=None).cover_image is None

    step("a slug of its own")
    own, following = f"own-{tag}", f"next-{tag}"
    named = newsroom.new_article("Named by hand")
    named["slug"] = own
    assert newsroom.publish(author, editor, named).slug == own
    with rejects(409, "already_taken") as caught:
        editor.articles.create(**named)
    assert "slug" in caught.value.fields
    assert editor.articles.update(own, new_slug=following).slug == following
    assert visitor.articles.get(own).slug == following
    assert editor.articles.update(following, title=f"Another title {tag}").slug == following
    assert editor.articles.update(following, new_slug=None).slug == f"another-title-{tag}"

    series = f"series-{tag}"

    def order() -> list[str]:
        return [part.slug for part in visitor.series.get(series).articles]

    step("series")
    with rejects(403, "role_insufficient"):
        author.series.create(title="A series", slug=series)
    editor.series.create(title="A series", slug=series, description="In three parts")
    assert series in [found.slug for found in visitor.series.list(limit=1)]

    step("parts")
    place = models.NewPlaceInSeries(slug=series)
    for position, slug in enumerate(parts, start=1):
        part = editor.articles.update(slug, series=place)
        assert part.series == models.PlaceInSeries(slug=series, title="A series", position=position)
    author.articles.create(**newsroom.new_article("Four"), status="draft", series=place)
    assert order() == parts

    step("two editors sort a series")
    titles: list[str] = []

    def sort(read: models.Series) -> models.UpdateSeries:
        titles.append(read.title)
        if len(titles) == 1:
            other.series.update(series, title="By the admin")
        return {"articles": [three, one]}

    assert editor.series.edit(series, sort).title == "By the admin"
    assert titles == ["A series", "By the admin"]
    assert order() == [three, one, two]

    step("a part is removed, and the series")
    editor.articles.update(one, series=None)
    assert order() == [three, two]
    editor.series.delete(series)
    with rejects(404, "not_found"):
        visitor.series.get(series)
    assert visitor.articles.get(two).series is None

    step("translations")
    german = newsroom.new_article("Eins")
    german["language"], german["translation_of"] = "de", one
    translated = newsroom.publish(author, editor, german)
    assert translated.translations[0].slug == one
    assert visitor.articles.get(one).translations == [
        models.Translation(language="de", slug=translated.slug, title=translated.title)
    ]
    editor.articles.update(translated.slug, translation_of=None)
    assert visitor.articles.get(one).translations == []

    step("pages of tags with counts")
    alpha, beta, gamma, delta = f"alpha-{tag}", f"beta-{tag}", f"gamma-{tag}", f"Delta-{tag}"
    editor.articles.update(one, tag_list=[alpha])
    editor.articles.update(two, tag_list=[alpha, beta])
    editor.articles.update(three, tag_list=[alpha, beta, gamma])
    counts: dict[str, int] = {}
    for name in ("ALPHA", "beta", "gamma"):
        page = visitor.tags.page(prefix=f"{name}-{tag}", limit=1, counts=True)
        counts |= {count.tag: count.articles_count for count in page.counts or []}
    assert counts == {alpha: 3, beta: 2, gamma: 1}
    page = visitor.tags.page(limit=1)
    found = set(page.tags)
    while page.next_cursor is not None:
        page = visitor.tags.page(limit=1, cursor=page.next_cursor)
        found |= set(page.tags)
    assert found >= {alpha, beta, gamma}

    step("a tag is described and renamed")
    with rejects(403, "role_insufficient"):
        author.tags.update(beta, name=delta)
    renamed = editor.tags.update(beta, name=delta, description="The fourth letter")
    assert renamed == models.ManagedTag(
        name=delta, description="The fourth letter", articles_count=2, articles_to_move=0
    )
    assert visitor.articles.get(two).tag_list == [alpha, delta]
    assert visitor.articles.list(tag=beta).first_page().total == 2
    with rejects(409, "already_taken"):
        editor.tags.update(gamma, name=beta)

    step("tags are merged")
    assert editor.tags.merge(gamma, into=alpha).name == alpha
    assert visitor.articles.get(three).tag_list == [alpha, delta]
    assert visitor.tags.get(gamma).name == alpha
