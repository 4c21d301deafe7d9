from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.profile import Profile


T = TypeVar("T", bound="ProfileBatchResponse")


@_attrs_define
class ProfileBatchResponse:
    """
    Attributes:
        profiles (list[Profile]):
        missing (list[str]):
        remaining (list[str] | Unset): Names of profiles that this response has no room for, if any; request them again
    """

    profiles: list[Profile]
    missing: list[str]
    remaining: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        profiles = []
        for profiles_item_data in self.profiles:
            profiles_item = profiles_item_data.to_dict()
            profiles.append(profiles_item)

        missing = self.missing

        remaining: list[str] | Unset = UNSET
        if not isinstance(self.remaining, Unset):
            remaining = self.remaining

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "profiles": profiles,
                "missing": missing,
            }
        )
        if remaining is not UNSET:
            field_dict["remaining"] = remaining

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.profile import Profile

        d = dict(src_dict)
        profiles = []
        _profiles = d.pop("profiles")
        for profiles_item_data in _profiles:
            profiles_item = Profile.from_dict(profiles_item_data)

            profiles.append(profiles_item)

        missing = cast(list[str], d.pop("missing"))

        remaining = cast(list[str], d.pop("remaining", UNSET))

        profile_batch_response = cls(
            profiles=profiles,
            missing=missing,
            remaining=remaining,
        )

        profile_batch_response.additional_properties = d
        return profile_batch_response

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
