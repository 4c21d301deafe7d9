from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Tokens")


@_attrs_define
class Tokens:
    """
    Attributes:
        access_token (str): Send it in `Authorization`; it is valid for minutes
        access_token_expires_at (datetime.datetime): UTC, with exactly three fraction digits Example:
            2026-01-02T03:04:05.678Z.
        refresh_token (str): Send it to `POST /sessions/refresh`; it can be used once
        refresh_token_expires_at (datetime.datetime): UTC, with exactly three fraction digits Example:
            2026-01-02T03:04:05.678Z.
    """

    access_token: str
    access_token_expires_at: datetime.datetime
    refresh_token: str
    refresh_token_expires_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        access_token = self.access_token

        access_token_expires_at = self.access_token_expires_at.isoformat()

        refresh_token = self.refresh_token

        refresh_token_expires_at = self.refresh_token_expires_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accessToken": access_token,
                "accessTokenExpiresAt": access_token_expires_at,
                "refreshToken": refresh_token,
                "refreshTokenExpiresAt": refresh_token_expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        access_token = d.pop("accessToken")

        access_token_expires_at = datetime.datetime.fromisoformat(d.pop("accessTokenExpiresAt"))

        refresh_token = d.pop("refreshToken")

        refresh_token_expires_at = datetime.datetime.fromisoformat(d.pop("refreshTokenExpiresAt"))

        tokens = cls(
            access_token=access_token,
            access_token_expires_at=access_token_expires_at,
            refresh_token=refresh_token,
            refresh_token_expires_at=refresh_token_expires_at,
        )

        tokens.additional_properties = d
        return tokens

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
