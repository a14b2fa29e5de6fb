"""JSON as RFC 8259 has it: neither written nor read with NaN and Infinity, which Python would take and browsers would not."""

import json
from typing import Any, NoReturn


def encode(value: Any) -> str:
    """Return a value as JSON that can stand in a page too; raises ValueError for what JSON can't say."""
    return json.dumps(value, allow_nan=False).replace("</", "<\\/")


def decode(text: str | bytes) -> Any:
    """Return what JSON says; raises ValueError for what is none, however deep it is."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is not JSON"
    raise ValueError(message)
