from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.audit_action import AuditAction, check_audit_action

if TYPE_CHECKING:
    from ..models.audit_actor_type_0 import AuditActorType0
    from ..models.audit_subject import AuditSubject


T = TypeVar("T", bound="AuditEntry")


@_attrs_define
class AuditEntry:
    """
    Attributes:
        id (int):
        created_at (datetime.datetime): UTC, with exactly three fraction digits Example: 2026-01-02T03:04:05.678Z.
        action (AuditAction):
        actor (AuditActorType0 | None): The user who did it; null for the operator at the command line
        api_key_id (int | None): The API key that the actor used, if any
        subject (AuditSubject): The user, article or comment that the action affected
        reason (None | str):
        from_ (None | str): The role before the change
        to (None | str): The role after the change
        request_id (None | str): The id of the request in the server's log
    """

    id: int
    created_at: datetime.datetime
    action: AuditAction
    actor: AuditActorType0 | None
    api_key_id: int | None
    subject: AuditSubject
    reason: str | None
    from_: str | None
    to: str | None
    request_id: str | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.audit_actor_type_0 import AuditActorType0

        id = self.id

        created_at = self.created_at.isoformat()

        action: str = self.action

        actor: dict[str, Any] | None
        if isinstance(self.actor, AuditActorType0):
            actor = self.actor.to_dict()
        else:
            actor = self.actor

        api_key_id: int | None
        api_key_id = self.api_key_id

        subject = self.subject.to_dict()

        reason: str | None
        reason = self.reason

        from_: str | None
        from_ = self.from_

        to: str | None
        to = self.to

        request_id: str | None
        request_id = self.request_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "createdAt": created_at,
                "action": action,
                "actor": actor,
                "apiKeyId": api_key_id,
                "subject": subject,
                "reason": reason,
                "from": from_,
                "to": to,
                "requestId": request_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.audit_actor_type_0 import AuditActorType0
        from ..models.audit_subject import AuditSubject

        d = dict(src_dict)
        id = d.pop("id")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        action = check_audit_action(d.pop("action"))

        def _parse_actor(data: object) -> AuditActorType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_audit_actor_type_0 = AuditActorType0.from_dict(data)

                return componentsschemas_audit_actor_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AuditActorType0 | None, data)

        actor = _parse_actor(d.pop("actor"))

        def _parse_api_key_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        api_key_id = _parse_api_key_id(d.pop("apiKeyId"))

        subject = AuditSubject.from_dict(d.pop("subject"))

        def _parse_reason(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_from_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        from_ = _parse_from_(d.pop("from"))

        def _parse_to(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        to = _parse_to(d.pop("to"))

        def _parse_request_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        request_id = _parse_request_id(d.pop("requestId"))

        audit_entry = cls(
            id=id,
            created_at=created_at,
            action=action,
            actor=actor,
            api_key_id=api_key_id,
            subject=subject,
            reason=reason,
            from_=from_,
            to=to,
            request_id=request_id,
        )

        audit_entry.additional_properties = d
        return audit_entry

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
