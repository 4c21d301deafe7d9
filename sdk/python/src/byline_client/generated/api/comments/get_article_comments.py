from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.comments_response import CommentsResponse
from ...models.get_article_comments_sort import (
    GetArticleCommentsSort,
)
from ...models.problem import Problem
from ...models.text_format import TextFormat
from ...types import UNSET, Response, Unset


def _get_kwargs(
    slug: str,
    *,
    limit: int | Unset = 1000,
    sort: GetArticleCommentsSort | Unset = "createdAt",
    cursor: str | Unset = UNSET,
    format_: TextFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_sort: str | Unset = UNSET
    if not isinstance(sort, Unset):
        json_sort = sort

    params["sort"] = json_sort

    params["cursor"] = cursor

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_

    params["format"] = json_format_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/articles/{slug}/comments".format(
            slug=quote(str(slug), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | CommentsResponse | Problem | None:
    if response.status_code == 200:
        response_200 = CommentsResponse.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | CommentsResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    slug: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 1000,
    sort: GetArticleCommentsSort | Unset = "createdAt",
    cursor: str | Unset = UNSET,
    format_: TextFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Response[Any | CommentsResponse | Problem]:
    """List the comments of an article

     Returns comments oldest first, or newest first with `sort=-createdAt`.
    Without `limit` the response contains up to 1,000 comments; `nextCursor`
    leads to the rest. With `format=html` it contains up to 100, and a larger
    `limit` is rejected. A page with more than 4 MB of text ends earlier: follow
    `nextCursor` instead of counting comments.

    Args:
        slug (str):
        limit (int | Unset):  Default: 1000.
        sort (GetArticleCommentsSort | Unset):  Default: 'createdAt'.
        cursor (str | Unset):
        format_ (TextFormat | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | CommentsResponse | Problem]
    """

    kwargs = _get_kwargs(
        slug=slug,
        limit=limit,
        sort=sort,
        cursor=cursor,
        format_=format_,
        if_none_match=if_none_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    slug: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 1000,
    sort: GetArticleCommentsSort | Unset = "createdAt",
    cursor: str | Unset = UNSET,
    format_: TextFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Any | CommentsResponse | Problem | None:
    """List the comments of an article

     Returns comments oldest first, or newest first with `sort=-createdAt`.
    Without `limit` the response contains up to 1,000 comments; `nextCursor`
    leads to the rest. With `format=html` it contains up to 100, and a larger
    `limit` is rejected. A page with more than 4 MB of text ends earlier: follow
    `nextCursor` instead of counting comments.

    Args:
        slug (str):
        limit (int | Unset):  Default: 1000.
        sort (GetArticleCommentsSort | Unset):  Default: 'createdAt'.
        cursor (str | Unset):
        format_ (TextFormat | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | CommentsResponse | Problem
    """

    return sync_detailed(
        slug=slug,
        client=client,
        limit=limit,
        sort=sort,
        cursor=cursor,
        format_=format_,
        if_none_match=if_none_match,
    ).parsed


async def asyncio_detailed(
    slug: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 1000,
    sort: GetArticleCommentsSort | Unset = "createdAt",
    cursor: str | Unset = UNSET,
    format_: TextFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Response[Any | CommentsResponse | Problem]:
    """List the comments of an article

     Returns comments oldest first, or newest first with `sort=-createdAt`.
    Without `limit` the response contains up to 1,000 comments; `nextCursor`
    leads to the rest. With `format=html` it contains up to 100, and a larger
    `limit` is rejected. A page with more than 4 MB of text ends earlier: follow
    `nextCursor` instead of counting comments.

    Args:
        slug (str):
        limit (int | Unset):  Default: 1000.
        sort (GetArticleCommentsSort | Unset):  Default: 'createdAt'.
        cursor (str | Unset):
        format_ (TextFormat | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | CommentsResponse | Problem]
    """

    kwargs = _get_kwargs(
        slug=slug,
        limit=limit,
        sort=sort,
        cursor=cursor,
        format_=format_,
        if_none_match=if_none_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    slug: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 1000,
    sort: GetArticleCommentsSort | Unset = "createdAt",
    cursor: str | Unset = UNSET,
    format_: TextFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Any | CommentsResponse | Problem | None:
    """List the comments of an article

     Returns comments oldest first, or newest first with `sort=-createdAt`.
    Without `limit` the response contains up to 1,000 comments; `nextCursor`
    leads to the rest. With `format=html` it contains up to 100, and a larger
    `limit` is rejected. A page with more than 4 MB of text ends earlier: follow
    `nextCursor` instead of counting comments.

    Args:
        slug (str):
        limit (int | Unset):  Default: 1000.
        sort (GetArticleCommentsSort | Unset):  Default: 'createdAt'.
        cursor (str | Unset):
        format_ (TextFormat | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | CommentsResponse | Problem
    """

    return (
        await asyncio_detailed(
            slug=slug,
            client=client,
            limit=limit,
            sort=sort,
            cursor=cursor,
            format_=format_,
            if_none_match=if_none_match,
        )
    ).parsed
