from typing import Literal

HiddenItemKind = Literal["article", "comment"]

HIDDEN_ITEM_KIND_VALUES: set[HiddenItemKind] = {
    "article",
    "comment",
}


def check_hidden_item_kind(value: str) -> HiddenItemKind:
    if value in HIDDEN_ITEM_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {HIDDEN_ITEM_KIND_VALUES!r}")
