from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None
    """The argument `cursor` for the next page; None on the last page."""


@dataclass(frozen=True)
class CountedPage(Page[T]):
    """A page of a list whose length is known."""

    total: int
    """The number of items of the whole list."""


P_co = TypeVar("P_co", bound=Page[Any], covariant=True)
Item_co = TypeVar("Item_co", covariant=True)


class _NotAPage:
    """Explains how to get a page to those who take a pager for one."""

    # A type checker would otherwise accept every attribute.
    if not TYPE_CHECKING:

        def __getattr__(self, name):
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in CountedPage.__dataclass_fields__:
                message += "; iterate over it, or call first_page() for a page"
            raise AttributeError(message, name=name, obj=self)


class Pager(_NotAPage, Generic[Item_co, P_co]):
    """A list that is read page by page.

    Iterating over it yields all items and requests pages as needed. Nothing is
    requested before that.
    """

    def __init__(self, request: Callable[[str | None], P_co]) -> None:
        self._request = request

    def first_page(self) -> P_co:
        """Requests the first page only."""
        return self._request(None)

    def pages(self) -> Iterator[P_co]:
        """Iterates over the pages."""
        page = self._request(None)
        yield page
        while page.next_cursor is not None:
            page = self._request(page.next_cursor)
            yield page

    def __iter__(self) -> Iterator[Item_co]:
        for page in self.pages():
            yield from cast(list[Item_co], page.items)

    def to_list(self, max: int) -> list[Item_co]:
        """Returns the first items, up to `max`."""
        return list(islice(self, max))


class AsyncPager(_NotAPage, Generic[Item_co, P_co]):
    """The counterpart of `Pager` for `async for`."""

    def __init__(self, request: Callable[[str | None], Awaitable[P_co]]) -> None:
        self._request = request

    async def first_page(self) -> P_co:
        """Requests the first page only."""
        return await self._request(None)

    async def pages(self) -> AsyncIterator[P_co]:
        """Iterates over the pages."""
        page = await self._request(None)
        yield page
        while page.next_cursor is not None:
            page = await self._request(page.next_cursor)
            yield page

    async def __aiter__(self) -> AsyncIterator[Item_co]:
        async for page in self.pages():
            for item in cast(list[Item_co], page.items):
                yield item

    async def to_list(self, max: int) -> list[Item_co]:
        """Returns the first items, up to `max`."""
        items: list[Item_co] = []
        if max > 0:
            async for item in self:
                items.append(item)
                if len(items) == max:
                    break
        return items
