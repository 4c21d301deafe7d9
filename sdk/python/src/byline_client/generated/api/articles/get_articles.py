from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.articles_response import ArticlesResponse
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    tag: str | Unset = UNSET,
    author: str | Unset = UNSET,
    favorited: str | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    params: dict[str, Any] = {}

    params["tag"] = tag

    params["author"] = author

    params["favorited"] = favorited

    params["limit"] = limit

    params["offset"] = offset

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/articles",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ArticlesResponse | Problem | None:
    if response.status_code == 200:
        response_200 = ArticlesResponse.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

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
) -> Response[Any | ArticlesResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    tag: str | Unset = UNSET,
    author: str | Unset = UNSET,
    favorited: str | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Response[Any | ArticlesResponse | Problem]:
    """List articles

     Returns articles without their bodies, newest first. Filters can be
    combined. `articlesCount` is the number of all articles that match the
    filters, not the length of the page. Page with `limit` and `offset`, or
    follow `nextCursor`. A page with more than 4 MB of text ends earlier.

    Args:
        tag (str | Unset):
        author (str | Unset):
        favorited (str | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ArticlesResponse | Problem]
    """

    kwargs = _get_kwargs(
        tag=tag,
        author=author,
        favorited=favorited,
        limit=limit,
        offset=offset,
        cursor=cursor,
        if_none_match=if_none_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    tag: str | Unset = UNSET,
    author: str | Unset = UNSET,
    favorited: str | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Any | ArticlesResponse | Problem | None:
    """List articles

     Returns articles without their bodies, newest first. Filters can be
    combined. `articlesCount` is the number of all articles that match the
    filters, not the length of the page. Page with `limit` and `offset`, or
    follow `nextCursor`. A page with more than 4 MB of text ends earlier.

    Args:
        tag (str | Unset):
        author (str | Unset):
        favorited (str | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ArticlesResponse | Problem
    """

    return sync_detailed(
        client=client,
        tag=tag,
        author=author,
        favorited=favorited,
        limit=limit,
        offset=offset,
        cursor=cursor,
        if_none_match=if_none_match,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    tag: str | Unset = UNSET,
    author: str | Unset = UNSET,
    favorited: str | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Response[Any | ArticlesResponse | Problem]:
    """List articles

     Returns articles without their bodies, newest first. Filters can be
    combined. `articlesCount` is the number of all articles that match the
    filters, not the length of the page. Page with `limit` and `offset`, or
    follow `nextCursor`. A page with more than 4 MB of text ends earlier.

    Args:
        tag (str | Unset):
        author (str | Unset):
        favorited (str | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ArticlesResponse | Problem]
    """

    kwargs = _get_kwargs(
        tag=tag,
        author=author,
        favorited=favorited,
        limit=limit,
        offset=offset,
        cursor=cursor,
        if_none_match=if_none_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    tag: str | Unset = UNSET,
    author: str | Unset = UNSET,
    favorited: str | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
) -> Any | ArticlesResponse | Problem | None:
    """List articles

     Returns articles without their bodies, newest first. Filters can be
    combined. `articlesCount` is the number of all articles that match the
    filters, not the length of the page. Page with `limit` and `offset`, or
    follow `nextCursor`. A page with more than 4 MB of text ends earlier.

    Args:
        tag (str | Unset):
        author (str | Unset):
        favorited (str | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset):
        if_none_match (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ArticlesResponse | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            tag=tag,
            author=author,
            favorited=favorited,
            limit=limit,
            offset=offset,
            cursor=cursor,
            if_none_match=if_none_match,
        )
    ).parsed
