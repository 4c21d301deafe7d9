from typing import Literal

ExportRecordType = Literal[
    "account",
    "apiKey",
    "article",
    "auditEntry",
    "comment",
    "end",
    "favorite",
    "follower",
    "following",
    "session",
]

EXPORT_RECORD_TYPE_VALUES: set[ExportRecordType] = {
    "account",
    "apiKey",
    "article",
    "auditEntry",
    "comment",
    "end",
    "favorite",
    "follower",
    "following",
    "session",
}


def check_export_record_type(value: str) -> ExportRecordType:
    if value in EXPORT_RECORD_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EXPORT_RECORD_TYPE_VALUES!r}")
