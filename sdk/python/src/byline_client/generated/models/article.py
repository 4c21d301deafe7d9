from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.heading import Heading
    from ..models.hidden import Hidden
    from ..models.profile import Profile


T = TypeVar("T", bound="Article")


@_attrs_define
class Article:
    """
    Attributes:
        slug (str):
        title (str):
        description (str):
        body (str):
        tag_list (list[str]):
        created_at (datetime.datetime): UTC, with exactly three fraction digits Example: 2026-01-02T03:04:05.678Z.
        updated_at (datetime.datetime): UTC, with exactly three fraction digits Example: 2026-01-02T03:04:05.678Z.
        favorited (bool): Whether the article is one of the caller's favourites
        favorites_count (int):
        author (Profile):
        body_html (str | Unset): `body` as sanitised HTML; present only with `format=html`
        table_of_contents (list[Heading] | Unset): The headings of `bodyHtml` that have an id, in its order; present
            only with `format=html`
        hidden (Hidden | Unset): Present when a moderator has hidden the article or comment, which only its author and
            moderators can then see
    """

    slug: str
    title: str
    description: str
    body: str
    tag_list: list[str]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    favorited: bool
    favorites_count: int
    author: Profile
    body_html: str | Unset = UNSET
    table_of_contents: list[Heading] | Unset = UNSET
    hidden: Hidden | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        slug = self.slug

        title = self.title

        description = self.description

        body = self.body

        tag_list = self.tag_list

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        favorited = self.favorited

        favorites_count = self.favorites_count

        author = self.author.to_dict()

        body_html = self.body_html

        table_of_contents: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.table_of_contents, Unset):
            table_of_contents = []
            for table_of_contents_item_data in self.table_of_contents:
                table_of_contents_item = table_of_contents_item_data.to_dict()
                table_of_contents.append(table_of_contents_item)

        hidden: dict[str, Any] | Unset = UNSET
        if not isinstance(self.hidden, Unset):
            hidden = self.hidden.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "slug": slug,
                "title": title,
                "description": description,
                "body": body,
                "tagList": tag_list,
                "createdAt": created_at,
                "updatedAt": updated_at,
                "favorited": favorited,
                "favoritesCount": favorites_count,
                "author": author,
            }
        )
        if body_html is not UNSET:
            field_dict["bodyHtml"] = body_html
        if table_of_contents is not UNSET:
            field_dict["tableOfContents"] = table_of_contents
        if hidden is not UNSET:
            field_dict["hidden"] = hidden

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.heading import Heading
        from ..models.hidden import Hidden
        from ..models.profile import Profile

        d = dict(src_dict)
        slug = d.pop("slug")

        title = d.pop("title")

        description = d.pop("description")

        body = d.pop("body")

        tag_list = cast(list[str], d.pop("tagList"))

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        favorited = d.pop("favorited")

        favorites_count = d.pop("favoritesCount")

        author = Profile.from_dict(d.pop("author"))

        body_html = d.pop("bodyHtml", UNSET)

        _table_of_contents = d.pop("tableOfContents", UNSET)
        table_of_contents: list[Heading] | Unset = UNSET
        if _table_of_contents is not UNSET:
            table_of_contents = []
            for table_of_contents_item_data in _table_of_contents:
                table_of_contents_item = Heading.from_dict(table_of_contents_item_data)

                table_of_contents.append(table_of_contents_item)

        _hidden = d.pop("hidden", UNSET)
        hidden: Hidden | Unset
        if isinstance(_hidden, Unset):
            hidden = UNSET
        else:
            hidden = Hidden.from_dict(_hidden)

        article = cls(
            slug=slug,
            title=title,
            description=description,
            body=body,
            tag_list=tag_list,
            created_at=created_at,
            updated_at=updated_at,
            favorited=favorited,
            favorites_count=favorites_count,
            author=author,
            body_html=body_html,
            table_of_contents=table_of_contents,
            hidden=hidden,
        )

        article.additional_properties = d
        return article

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
