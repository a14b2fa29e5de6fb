"""JSON that every reader takes: no NaN and no Infinity, which RFC 8259 does not know and browsers refuse.

A figure that is no finite number is written as null: not known.
"""

import json
import math
from typing import Any


def encode(value: Any) -> str:
    """Return `value` as JSON, safe to stand inside a page; what is not finite becomes null."""
    try:
        written = json.dumps(value, allow_nan=False)
    except ValueError:
        written = json.dumps(_finite(value), allow_nan=False)
    return written.replace("</", "<\\/")


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value
