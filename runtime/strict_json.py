"""JSON as in RFC 8259, without NaN and Infinity, which Python accepts and browsers do not.

Pure. A number that is not finite is written as null, which means that it is not known.
"""

import json
import math
from typing import Any, NoReturn

ENCODER = json.JSONEncoder(allow_nan=False)  # json.dumps would make a new one for every text


def encode(value: Any) -> str:
    """Return `value` as JSON that is safe inside a page; numbers that are not finite become null."""
    try:
        written = ENCODER.encode(value)
    except ValueError:
        written = ENCODER.encode(_finite(value))
    return written.replace("</", "<\\/")


def decode(text: str | bytes) -> Any:
    """Return the value of a JSON text; raises ValueError for invalid JSON, however deeply nested."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


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
    raise ValueError(f"{constant} is not JSON")
