from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.api_key_created_response import ApiKeyCreatedResponse
from ...models.new_api_key_request import NewApiKeyRequest
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: NewApiKeyRequest,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/user/keys",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ApiKeyCreatedResponse | Problem | None:
    if response.status_code == 201:
        response_201 = ApiKeyCreatedResponse.from_dict(response.json())

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
) -> Response[ApiKeyCreatedResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: NewApiKeyRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ApiKeyCreatedResponse | Problem]:
    """Create an API key

     Creates an API key for a program. The scope `read` permits reading what the
    key's owner may read. `write` also permits writing articles, comments,
    favourites and follows. `admin` also permits moderation and administration,
    as far as the owner's role permits them. A key can never manage the account,
    its sessions or other keys. Only this response contains the key. If
    `currentPassword` is sent, it must be the password of the account.

    Args:
        idempotency_key (str | Unset):
        body (NewApiKeyRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiKeyCreatedResponse | Problem]
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
    body: NewApiKeyRequest,
    idempotency_key: str | Unset = UNSET,
) -> ApiKeyCreatedResponse | Problem | None:
    """Create an API key

     Creates an API key for a program. The scope `read` permits reading what the
    key's owner may read. `write` also permits writing articles, comments,
    favourites and follows. `admin` also permits moderation and administration,
    as far as the owner's role permits them. A key can never manage the account,
    its sessions or other keys. Only this response contains the key. If
    `currentPassword` is sent, it must be the password of the account.

    Args:
        idempotency_key (str | Unset):
        body (NewApiKeyRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiKeyCreatedResponse | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: NewApiKeyRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ApiKeyCreatedResponse | Problem]:
    """Create an API key

     Creates an API key for a program. The scope `read` permits reading what the
    key's owner may read. `write` also permits writing articles, comments,
    favourites and follows. `admin` also permits moderation and administration,
    as far as the owner's role permits them. A key can never manage the account,
    its sessions or other keys. Only this response contains the key. If
    `currentPassword` is sent, it must be the password of the account.

    Args:
        idempotency_key (str | Unset):
        body (NewApiKeyRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiKeyCreatedResponse | Problem]
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
    body: NewApiKeyRequest,
    idempotency_key: str | Unset = UNSET,
) -> ApiKeyCreatedResponse | Problem | None:
    """Create an API key

     Creates an API key for a program. The scope `read` permits reading what the
    key's owner may read. `write` also permits writing articles, comments,
    favourites and follows. `admin` also permits moderation and administration,
    as far as the owner's role permits them. A key can never manage the account,
    its sessions or other keys. Only this response contains the key. If
    `currentPassword` is sent, it must be the password of the account.

    Args:
        idempotency_key (str | Unset):
        body (NewApiKeyRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiKeyCreatedResponse | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
