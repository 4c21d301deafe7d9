from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="UpdateUser")


@_attrs_define
class UpdateUser:
    """A merge patch; absent members stay unchanged

    Attributes:
        username (str | Unset): Unique regardless of letter case, width, normalisation and white space
            (RFC 8266), and returned as it was sent. It contains no slashes, control,
            invisible or unassigned characters, and does not consist of dots only.
        email (str | Unset): Unique regardless of letter case
        password (str | Unset): 8 to 256 characters, with no other rules (NIST SP 800-63B). Passwords are never
            truncated.
        current_password (str | Unset): Proves that the owner of the account changes `email` or `password`; some servers
            require it
        bio (None | str | Unset):
        image (None | str | Unset): The URL of a picture. Without a scheme it is relative to the page that shows it;
            `data:image/` URLs are accepted too.
    """

    username: str | Unset = UNSET
    email: str | Unset = UNSET
    password: str | Unset = UNSET
    current_password: str | Unset = UNSET
    bio: str | Unset | None = UNSET
    image: str | Unset | None = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        username = self.username

        email = self.email

        password = self.password

        current_password = self.current_password

        bio: str | Unset | None
        if isinstance(self.bio, Unset):
            bio = UNSET
        else:
            bio = self.bio

        image: str | Unset | None
        if isinstance(self.image, Unset):
            image = UNSET
        else:
            image = self.image

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if username is not UNSET:
            field_dict["username"] = username
        if email is not UNSET:
            field_dict["email"] = email
        if password is not UNSET:
            field_dict["password"] = password
        if current_password is not UNSET:
            field_dict["currentPassword"] = current_password
        if bio is not UNSET:
            field_dict["bio"] = bio
        if image is not UNSET:
            field_dict["image"] = image

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        username = d.pop("username", UNSET)

        email = d.pop("email", UNSET)

        password = d.pop("password", UNSET)

        current_password = d.pop("currentPassword", UNSET)

        def _parse_bio(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        bio = _parse_bio(d.pop("bio", UNSET))

        def _parse_image(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        image = _parse_image(d.pop("image", UNSET))

        update_user = cls(
            username=username,
            email=email,
            password=password,
            current_password=current_password,
            bio=bio,
            image=image,
        )

        update_user.additional_properties = d
        return update_user

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
