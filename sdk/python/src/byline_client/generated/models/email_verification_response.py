from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.email_verification import EmailVerification


T = TypeVar("T", bound="EmailVerificationResponse")


@_attrs_define
class EmailVerificationResponse:
    """
    Attributes:
        email_verification (EmailVerification):
    """

    email_verification: EmailVerification
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        email_verification = self.email_verification.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "emailVerification": email_verification,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.email_verification import EmailVerification

        d = dict(src_dict)
        email_verification = EmailVerification.from_dict(d.pop("emailVerification"))

        email_verification_response = cls(
            email_verification=email_verification,
        )

        email_verification_response.additional_properties = d
        return email_verification_response

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
