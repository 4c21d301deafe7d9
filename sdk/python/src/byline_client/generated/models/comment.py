from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.hidden import Hidden
    from ..models.profile import Profile


T = TypeVar("T", bound="Comment")


@_attrs_define
class Comment:
    """
    Attributes:
        id (int): Always below 2^53
        created_at (datetime.datetime): UTC, with exactly three fraction digits Example: 2026-01-02T03:04:05.678Z.
        updated_at (datetime.datetime): UTC, with exactly three fraction digits Example: 2026-01-02T03:04:05.678Z.
        body (str):
        author (Profile):
        body_html (str | Unset): `body` as sanitised HTML; present only with `format=html`
        hidden (Hidden | Unset): Present when a moderator has hidden the article or comment, which only its author and
            moderators can then see
    """

    id: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    body: str
    author: Profile
    body_html: str | Unset = UNSET
    hidden: Hidden | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        body = self.body

        author = self.author.to_dict()

        body_html = self.body_html

        hidden: dict[str, Any] | Unset = UNSET
        if not isinstance(self.hidden, Unset):
            hidden = self.hidden.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "createdAt": created_at,
                "updatedAt": updated_at,
                "body": body,
                "author": author,
            }
        )
        if body_html is not UNSET:
            field_dict["bodyHtml"] = body_html
        if hidden is not UNSET:
            field_dict["hidden"] = hidden

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.hidden import Hidden
        from ..models.profile import Profile

        d = dict(src_dict)
        id = d.pop("id")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        body = d.pop("body")

        author = Profile.from_dict(d.pop("author"))

        body_html = d.pop("bodyHtml", UNSET)

        _hidden = d.pop("hidden", UNSET)
        hidden: Hidden | Unset
        if isinstance(_hidden, Unset):
            hidden = UNSET
        else:
            hidden = Hidden.from_dict(_hidden)

        comment = cls(
            id=id,
            created_at=created_at,
            updated_at=updated_at,
            body=body,
            author=author,
            body_html=body_html,
            hidden=hidden,
        )

        comment.additional_properties = d
        return comment

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
