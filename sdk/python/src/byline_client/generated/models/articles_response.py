from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.article_summary import ArticleSummary


T = TypeVar("T", bound="ArticlesResponse")


@_attrs_define
class ArticlesResponse:
    """
    Attributes:
        articles (list[ArticleSummary]):
        articles_count (int): The number of all articles that match the filters
        next_cursor (None | str): Send it as `cursor` to get the next page; it is null on the last page
    """

    articles: list[ArticleSummary]
    articles_count: int
    next_cursor: str | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        articles = []
        for articles_item_data in self.articles:
            articles_item = articles_item_data.to_dict()
            articles.append(articles_item)

        articles_count = self.articles_count

        next_cursor: str | None
        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "articles": articles,
                "articlesCount": articles_count,
                "nextCursor": next_cursor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.article_summary import ArticleSummary

        d = dict(src_dict)
        articles = []
        _articles = d.pop("articles")
        for articles_item_data in _articles:
            articles_item = ArticleSummary.from_dict(articles_item_data)

            articles.append(articles_item)

        articles_count = d.pop("articlesCount")

        def _parse_next_cursor(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("nextCursor"))

        articles_response = cls(
            articles=articles,
            articles_count=articles_count,
            next_cursor=next_cursor,
        )

        articles_response.additional_properties = d
        return articles_response

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
