from typing import Literal

AuditAction = Literal[
    "article.hidden",
    "article.restored",
    "comment.hidden",
    "comment.restored",
    "user.admin_created",
    "user.reinstated",
    "user.role_changed",
    "user.suspended",
]

AUDIT_ACTION_VALUES: set[AuditAction] = {
    "article.hidden",
    "article.restored",
    "comment.hidden",
    "comment.restored",
    "user.admin_created",
    "user.reinstated",
    "user.role_changed",
    "user.suspended",
}


def check_audit_action(value: str) -> AuditAction:
    if value in AUDIT_ACTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AUDIT_ACTION_VALUES!r}")
