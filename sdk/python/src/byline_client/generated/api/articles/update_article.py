from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.article_response import ArticleResponse
from ...models.problem import Problem
from ...models.update_article_request import UpdateArticleRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    slug: str,
    *,
    body: UpdateArticleRequest,
    if_match: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/articles/{slug}".format(
            slug=quote(str(slug), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ArticleResponse | Problem | None:
    if response.status_code == 200:
        response_200 = ArticleResponse.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

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
) -> Response[ArticleResponse | Problem]:
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
    body: UpdateArticleRequest,
    if_match: str | Unset = UNSET,
) -> Response[ArticleResponse | Problem]:
    """Change an article

     Changes an article; only its author may do this. The body is a merge patch
    (RFC 7396). A changed title creates a new slug, and the old slug continues to
    work. `tagList` replaces the whole list, and `[]` removes all tags.

    To avoid overwriting somebody else's change, send the `ETag` of the article
    as you read it in `If-Match`. If the article has changed since, the request
    returns 412.

    If the article becomes longer and the account would exceed its maximum size,
    the request returns 422 with `storage` in `errors`.

    Args:
        slug (str):
        if_match (str | Unset):
        body (UpdateArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ArticleResponse | Problem]
    """

    kwargs = _get_kwargs(
        slug=slug,
        body=body,
        if_match=if_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    slug: str,
    *,
    client: AuthenticatedClient,
    body: UpdateArticleRequest,
    if_match: str | Unset = UNSET,
) -> ArticleResponse | Problem | None:
    """Change an article

     Changes an article; only its author may do this. The body is a merge patch
    (RFC 7396). A changed title creates a new slug, and the old slug continues to
    work. `tagList` replaces the whole list, and `[]` removes all tags.

    To avoid overwriting somebody else's change, send the `ETag` of the article
    as you read it in `If-Match`. If the article has changed since, the request
    returns 412.

    If the article becomes longer and the account would exceed its maximum size,
    the request returns 422 with `storage` in `errors`.

    Args:
        slug (str):
        if_match (str | Unset):
        body (UpdateArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ArticleResponse | Problem
    """

    return sync_detailed(
        slug=slug,
        client=client,
        body=body,
        if_match=if_match,
    ).parsed


async def asyncio_detailed(
    slug: str,
    *,
    client: AuthenticatedClient,
    body: UpdateArticleRequest,
    if_match: str | Unset = UNSET,
) -> Response[ArticleResponse | Problem]:
    """Change an article

     Changes an article; only its author may do this. The body is a merge patch
    (RFC 7396). A changed title creates a new slug, and the old slug continues to
    work. `tagList` replaces the whole list, and `[]` removes all tags.

    To avoid overwriting somebody else's change, send the `ETag` of the article
    as you read it in `If-Match`. If the article has changed since, the request
    returns 412.

    If the article becomes longer and the account would exceed its maximum size,
    the request returns 422 with `storage` in `errors`.

    Args:
        slug (str):
        if_match (str | Unset):
        body (UpdateArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ArticleResponse | Problem]
    """

    kwargs = _get_kwargs(
        slug=slug,
        body=body,
        if_match=if_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    slug: str,
    *,
    client: AuthenticatedClient,
    body: UpdateArticleRequest,
    if_match: str | Unset = UNSET,
) -> ArticleResponse | Problem | None:
    """Change an article

     Changes an article; only its author may do this. The body is a merge patch
    (RFC 7396). A changed title creates a new slug, and the old slug continues to
    work. `tagList` replaces the whole list, and `[]` removes all tags.

    To avoid overwriting somebody else's change, send the `ETag` of the article
    as you read it in `If-Match`. If the article has changed since, the request
    returns 412.

    If the article becomes longer and the account would exceed its maximum size,
    the request returns 422 with `storage` in `errors`.

    Args:
        slug (str):
        if_match (str | Unset):
        body (UpdateArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ArticleResponse | Problem
    """

    return (
        await asyncio_detailed(
            slug=slug,
            client=client,
            body=body,
            if_match=if_match,
        )
    ).parsed
