from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.article import Article


T = TypeVar("T", bound="ArticleBatchResponse")


@_attrs_define
class ArticleBatchResponse:
    """
    Attributes:
        articles (list[Article]):
        missing (list[str]):
        remaining (list[str] | Unset): Slugs of articles that this response has no room for, if any; request them again
    """

    articles: list[Article]
    missing: list[str]
    remaining: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        articles = []
        for articles_item_data in self.articles:
            articles_item = articles_item_data.to_dict()
            articles.append(articles_item)

        missing = self.missing

        remaining: list[str] | Unset = UNSET
        if not isinstance(self.remaining, Unset):
            remaining = self.remaining

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "articles": articles,
                "missing": missing,
            }
        )
        if remaining is not UNSET:
            field_dict["remaining"] = remaining

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.article import Article

        d = dict(src_dict)
        articles = []
        _articles = d.pop("articles")
        for articles_item_data in _articles:
            articles_item = Article.from_dict(articles_item_data)

            articles.append(articles_item)

        missing = cast(list[str], d.pop("missing"))

        remaining = cast(list[str], d.pop("remaining", UNSET))

        article_batch_response = cls(
            articles=articles,
            missing=missing,
            remaining=remaining,
        )

        article_batch_response.additional_properties = d
        return article_batch_response

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
