"""The base of the generated models."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime, timezone
from enum import Enum
from typing import Any, ClassVar, Final


class NotGiven(Enum):
    """The type of `NOT_GIVEN`."""

    NOT_GIVEN = "NOT_GIVEN"

    def __repr__(self) -> str:
        return self.name

    def __bool__(self) -> bool:
        return False


#: The default of parameters for which `None` has a meaning of its own: in an
#: update, `None` clears a member, and a member that is not given stays as it is.
NOT_GIVEN: Final = NotGiven.NOT_GIVEN


class Model:
    """An object of a response.

    `from_dict` and `to_dict` convert it from and to plain JSON, so that it can
    be stored.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def to_dict(self) -> dict[str, Any]:
        """Returns the object as the service sent it, with the names of
        openapi.yaml."""
        return {
            _json_name(field.name): to_json(getattr(self, field.name))
            for field in dataclasses.fields(self)
            # A member that has its default, None or NOT_GIVEN, is absent.
            if getattr(self, field.name) is not field.default
        }


def _json_name(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name.rstrip("_"))


def to_json(value: Any) -> Any:
    """Returns a value as JSON can represent it."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def format_time(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError(f"{time!r} needs a time zone, such as datetime.timezone.utc")
    utc = time.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return utc.removesuffix("+00:00") + "Z"


def parse_time(time: str) -> datetime:
    # Python 3.10 does not accept the suffix Z.
    return datetime.fromisoformat(time.removesuffix("Z") + "+00:00")
