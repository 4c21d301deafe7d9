from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.profile_batch_request import ProfileBatchRequest
from ...models.profile_batch_response import ProfileBatchResponse
from ...types import Response


def _get_kwargs(
    *,
    body: ProfileBatchRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/batch/profiles",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ProfileBatchResponse | None:
    if response.status_code == 200:
        response_200 = ProfileBatchResponse.from_dict(response.json())

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
) -> Response[Problem | ProfileBatchResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ProfileBatchRequest,
) -> Response[Problem | ProfileBatchResponse]:
    """Get many profiles at once

     Returns up to 100 profiles by user name, in the order of the request, with a
    constant number of queries. `missing` lists unknown names. A name that the
    request contains twice in the same letter case is returned once. The response
    contains up to 4 MB of text, and at least one profile. `remaining` is there if
    it has no room for all: another request with these names returns the next ones.

    Args:
        body (ProfileBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ProfileBatchResponse]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: ProfileBatchRequest,
) -> Problem | ProfileBatchResponse | None:
    """Get many profiles at once

     Returns up to 100 profiles by user name, in the order of the request, with a
    constant number of queries. `missing` lists unknown names. A name that the
    request contains twice in the same letter case is returned once. The response
    contains up to 4 MB of text, and at least one profile. `remaining` is there if
    it has no room for all: another request with these names returns the next ones.

    Args:
        body (ProfileBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ProfileBatchResponse
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ProfileBatchRequest,
) -> Response[Problem | ProfileBatchResponse]:
    """Get many profiles at once

     Returns up to 100 profiles by user name, in the order of the request, with a
    constant number of queries. `missing` lists unknown names. A name that the
    request contains twice in the same letter case is returned once. The response
    contains up to 4 MB of text, and at least one profile. `remaining` is there if
    it has no room for all: another request with these names returns the next ones.

    Args:
        body (ProfileBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ProfileBatchResponse]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ProfileBatchRequest,
) -> Problem | ProfileBatchResponse | None:
    """Get many profiles at once

     Returns up to 100 profiles by user name, in the order of the request, with a
    constant number of queries. `missing` lists unknown names. A name that the
    request contains twice in the same letter case is returned once. The response
    contains up to 4 MB of text, and at least one profile. `remaining` is there if
    it has no room for all: another request with these names returns the next ones.

    Args:
        body (ProfileBatchRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ProfileBatchResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
