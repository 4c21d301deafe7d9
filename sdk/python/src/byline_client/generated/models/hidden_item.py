from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.hidden_item_kind import HiddenItemKind, check_hidden_item_kind

T = TypeVar("T", bound="HiddenItem")


@_attrs_define
class HiddenItem:
    """
    Attributes:
        kind (HiddenItemKind):
        slug (str): The slug of the article, or of the article that the comment belongs to
        title (str):
        comment_id (int | None):
        author (str): The user name of the author
        reason (str):
        hidden_by (None | str): Null when the account of the moderator no longer exists
        hidden_at (datetime.datetime): UTC, with exactly three fraction digits Example: 2026-01-02T03:04:05.678Z.
    """

    kind: HiddenItemKind
    slug: str
    title: str
    comment_id: int | None
    author: str
    reason: str
    hidden_by: str | None
    hidden_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        kind: str = self.kind

        slug = self.slug

        title = self.title

        comment_id: int | None
        comment_id = self.comment_id

        author = self.author

        reason = self.reason

        hidden_by: str | None
        hidden_by = self.hidden_by

        hidden_at = self.hidden_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "slug": slug,
                "title": title,
                "commentId": comment_id,
                "author": author,
                "reason": reason,
                "hiddenBy": hidden_by,
                "hiddenAt": hidden_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        kind = check_hidden_item_kind(d.pop("kind"))

        slug = d.pop("slug")

        title = d.pop("title")

        def _parse_comment_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        comment_id = _parse_comment_id(d.pop("commentId"))

        author = d.pop("author")

        reason = d.pop("reason")

        def _parse_hidden_by(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        hidden_by = _parse_hidden_by(d.pop("hiddenBy"))

        hidden_at = datetime.datetime.fromisoformat(d.pop("hiddenAt"))

        hidden_item = cls(
            kind=kind,
            slug=slug,
            title=title,
            comment_id=comment_id,
            author=author,
            reason=reason,
            hidden_by=hidden_by,
            hidden_at=hidden_at,
        )

        hidden_item.additional_properties = d
        return hidden_item

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
