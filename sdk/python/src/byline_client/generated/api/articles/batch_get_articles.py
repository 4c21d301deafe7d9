from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.article_batch_request import ArticleBatchRequest
from ...models.article_batch_response import ArticleBatchResponse
from ...models.problem import Problem
from ...models.text_format import TextFormat
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ArticleBatchRequest,
    format_: TextFormat | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_

    params["format"] = json_format_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/batch/articles",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ArticleBatchResponse | Problem | None:
    if response.status_code == 200:
        response_200 = ArticleBatchResponse.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

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
) -> Response[ArticleBatchResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ArticleBatchRequest,
    format_: TextFormat | Unset = UNSET,
) -> Response[ArticleBatchResponse | Problem]:
    """Get many articles at once

     Returns up to 100 articles by slug, in the order of the request, with a
    constant number of queries. `missing` lists the slugs that no article has or
    ever had. A slug that the request contains twice is returned once. With
    `format=html` a request may contain up to 20 slugs. The response contains up
    to 4 MB of text, and at least one article. `remaining` is there if it has no
    room for all: another request with these slugs returns the next ones.

    Args:
        format_ (TextFormat | Unset):
        body (ArticleBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ArticleBatchResponse | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        format_=format_,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: ArticleBatchRequest,
    format_: TextFormat | Unset = UNSET,
) -> ArticleBatchResponse | Problem | None:
    """Get many articles at once

     Returns up to 100 articles by slug, in the order of the request, with a
    constant number of queries. `missing` lists the slugs that no article has or
    ever had. A slug that the request contains twice is returned once. With
    `format=html` a request may contain up to 20 slugs. The response contains up
    to 4 MB of text, and at least one article. `remaining` is there if it has no
    room for all: another request with these slugs returns the next ones.

    Args:
        format_ (TextFormat | Unset):
        body (ArticleBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ArticleBatchResponse | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        format_=format_,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ArticleBatchRequest,
    format_: TextFormat | Unset = UNSET,
) -> Response[ArticleBatchResponse | Problem]:
    """Get many articles at once

     Returns up to 100 articles by slug, in the order of the request, with a
    constant number of queries. `missing` lists the slugs that no article has or
    ever had. A slug that the request contains twice is returned once. With
    `format=html` a request may contain up to 20 slugs. The response contains up
    to 4 MB of text, and at least one article. `remaining` is there if it has no
    room for all: another request with these slugs returns the next ones.

    Args:
        format_ (TextFormat | Unset):
        body (ArticleBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ArticleBatchResponse | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        format_=format_,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ArticleBatchRequest,
    format_: TextFormat | Unset = UNSET,
) -> ArticleBatchResponse | Problem | None:
    """Get many articles at once

     Returns up to 100 articles by slug, in the order of the request, with a
    constant number of queries. `missing` lists the slugs that no article has or
    ever had. A slug that the request contains twice is returned once. With
    `format=html` a request may contain up to 20 slugs. The response contains up
    to 4 MB of text, and at least one article. `remaining` is there if it has no
    room for all: another request with these slugs returns the next ones.

    Args:
        format_ (TextFormat | Unset):
        body (ArticleBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ArticleBatchResponse | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            format_=format_,
        )
    ).parsed
