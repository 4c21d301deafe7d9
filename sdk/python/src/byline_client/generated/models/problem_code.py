from typing import Literal

ProblemCode = Literal[
    "account_suspended",
    "already_taken",
    "body_too_large",
    "credentials_invalid",
    "database_unavailable",
    "forbidden",
    "idempotency_key_reused",
    "internal",
    "invalid_json",
    "invalid_request",
    "method_not_allowed",
    "not_found",
    "overloaded",
    "precondition_failed",
    "rate_limited",
    "role_insufficient",
    "route_not_found",
    "scope_insufficient",
    "token_expired",
    "token_invalid",
    "token_missing",
    "unsupported_media_type",
    "validation_failed",
]

PROBLEM_CODE_VALUES: set[ProblemCode] = {
    "account_suspended",
    "already_taken",
    "body_too_large",
    "credentials_invalid",
    "database_unavailable",
    "forbidden",
    "idempotency_key_reused",
    "internal",
    "invalid_json",
    "invalid_request",
    "method_not_allowed",
    "not_found",
    "overloaded",
    "precondition_failed",
    "rate_limited",
    "role_insufficient",
    "route_not_found",
    "scope_insufficient",
    "token_expired",
    "token_invalid",
    "token_missing",
    "unsupported_media_type",
    "validation_failed",
}


def check_problem_code(value: str) -> ProblemCode:
    if value in PROBLEM_CODE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PROBLEM_CODE_VALUES!r}")
