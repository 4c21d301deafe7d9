from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.audit_action import AuditAction
from ...models.audit_entries_response import AuditEntriesResponse
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    actor: str | Unset = UNSET,
    action: AuditAction | Unset = UNSET,
    subject: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["actor"] = actor

    json_action: str | Unset = UNSET
    if not isinstance(action, Unset):
        json_action = action

    params["action"] = json_action

    params["subject"] = subject

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/admin/audit",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AuditEntriesResponse | Problem | None:
    if response.status_code == 200:
        response_200 = AuditEntriesResponse.from_dict(response.json())

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
) -> Response[AuditEntriesResponse | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    actor: str | Unset = UNSET,
    action: AuditAction | Unset = UNSET,
    subject: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
) -> Response[AuditEntriesResponse | Problem]:
    """Read the audit log

     Returns all actions of moderators, of admins and of the operator at the
    command line, newest first. Entries are never deleted, and never changed,
    except that the reason is erased when the account that it is about is
    deleted. They store ids; the response contains the current names, or `null`
    where the account, article or comment no longer exists.

    Args:
        actor (str | Unset):
        action (AuditAction | Unset):
        subject (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditEntriesResponse | Problem]
    """

    kwargs = _get_kwargs(
        actor=actor,
        action=action,
        subject=subject,
        limit=limit,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    actor: str | Unset = UNSET,
    action: AuditAction | Unset = UNSET,
    subject: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
) -> AuditEntriesResponse | Problem | None:
    """Read the audit log

     Returns all actions of moderators, of admins and of the operator at the
    command line, newest first. Entries are never deleted, and never changed,
    except that the reason is erased when the account that it is about is
    deleted. They store ids; the response contains the current names, or `null`
    where the account, article or comment no longer exists.

    Args:
        actor (str | Unset):
        action (AuditAction | Unset):
        subject (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditEntriesResponse | Problem
    """

    return sync_detailed(
        client=client,
        actor=actor,
        action=action,
        subject=subject,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    actor: str | Unset = UNSET,
    action: AuditAction | Unset = UNSET,
    subject: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
) -> Response[AuditEntriesResponse | Problem]:
    """Read the audit log

     Returns all actions of moderators, of admins and of the operator at the
    command line, newest first. Entries are never deleted, and never changed,
    except that the reason is erased when the account that it is about is
    deleted. They store ids; the response contains the current names, or `null`
    where the account, article or comment no longer exists.

    Args:
        actor (str | Unset):
        action (AuditAction | Unset):
        subject (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditEntriesResponse | Problem]
    """

    kwargs = _get_kwargs(
        actor=actor,
        action=action,
        subject=subject,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    actor: str | Unset = UNSET,
    action: AuditAction | Unset = UNSET,
    subject: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
) -> AuditEntriesResponse | Problem | None:
    """Read the audit log

     Returns all actions of moderators, of admins and of the operator at the
    command line, newest first. Entries are never deleted, and never changed,
    except that the reason is erased when the account that it is about is
    deleted. They store ids; the response contains the current names, or `null`
    where the account, article or comment no longer exists.

    Args:
        actor (str | Unset):
        action (AuditAction | Unset):
        subject (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditEntriesResponse | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            actor=actor,
            action=action,
            subject=subject,
            limit=limit,
            cursor=cursor,
        )
    ).parsed
