from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.article_response import ArticleResponse
from ...models.new_article_request import NewArticleRequest
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: NewArticleRequest,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/articles",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ArticleResponse | Problem | None:
    if response.status_code == 201:
        response_201 = ArticleResponse.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

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
    *,
    client: AuthenticatedClient,
    body: NewArticleRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ArticleResponse | Problem]:
    """Publish an article

     Publishes an article. Its slug is derived from the title. Two articles may
    have the same title; the second one gets a different slug.

    The articles and comments of an account have a maximum size together. If
    the article would exceed it, the request returns 422 with `storage` in
    `errors`.

    Args:
        idempotency_key (str | Unset):
        body (NewArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ArticleResponse | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: NewArticleRequest,
    idempotency_key: str | Unset = UNSET,
) -> ArticleResponse | Problem | None:
    """Publish an article

     Publishes an article. Its slug is derived from the title. Two articles may
    have the same title; the second one gets a different slug.

    The articles and comments of an account have a maximum size together. If
    the article would exceed it, the request returns 422 with `storage` in
    `errors`.

    Args:
        idempotency_key (str | Unset):
        body (NewArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ArticleResponse | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: NewArticleRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ArticleResponse | Problem]:
    """Publish an article

     Publishes an article. Its slug is derived from the title. Two articles may
    have the same title; the second one gets a different slug.

    The articles and comments of an account have a maximum size together. If
    the article would exceed it, the request returns 422 with `storage` in
    `errors`.

    Args:
        idempotency_key (str | Unset):
        body (NewArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ArticleResponse | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: NewArticleRequest,
    idempotency_key: str | Unset = UNSET,
) -> ArticleResponse | Problem | None:
    """Publish an article

     Publishes an article. Its slug is derived from the title. Two articles may
    have the same title; the second one gets a different slug.

    The articles and comments of an account have a maximum size together. If
    the article would exceed it, the request returns 422 with `storage` in
    `errors`.

    Args:
        idempotency_key (str | Unset):
        body (NewArticleRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ArticleResponse | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
