"""JSON as RFC 8259 has it: neither written nor read with NaN and Infinity, which Python would take and browsers would not.

Pure. A figure that is no finite number is written as null: not known.
"""

import json
import math
from typing import Any, NoReturn


def encode(value: Any) -> str:
    """Return `value` as JSON, safe to stand inside a page; what is not finite becomes null."""
    try:
        written = json.dumps(value, allow_nan=False)
    except ValueError:
        written = json.dumps(_finite(value), allow_nan=False)
    return written.replace("</", "<\\/")


def decode(text: str | bytes) -> Any:
    """Return what JSON says; raises ValueError for what is none, however deep it is."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is not JSON"
    raise ValueError(message)
