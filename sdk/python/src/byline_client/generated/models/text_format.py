from typing import Literal

TextFormat = Literal["html", "markdown"]

TEXT_FORMAT_VALUES: set[TextFormat] = {
    "html",
    "markdown",
}


def check_text_format(value: str) -> TextFormat:
    if value in TEXT_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TEXT_FORMAT_VALUES!r}")
