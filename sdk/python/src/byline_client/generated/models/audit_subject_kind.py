from typing import Literal

AuditSubjectKind = Literal["article", "comment", "user"]

AUDIT_SUBJECT_KIND_VALUES: set[AuditSubjectKind] = {
    "article",
    "comment",
    "user",
}


def check_audit_subject_kind(value: str) -> AuditSubjectKind:
    if value in AUDIT_SUBJECT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AUDIT_SUBJECT_KIND_VALUES!r}")
