"""How large a message on a stream may be, and how many items go into one.

Pure.

Both ends refuse a larger one, which would end the stream for every call on it; so neither sends one.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Item = TypeVar("Item")

MESSAGE_BYTES = 1024 * 1024


def fitting(items: list[Item], encode: Callable[[list[Item]], Any]) -> tuple[Any | None, int]:
    """Return a message of the first items and how many they are; no message if not even one fits."""
    count = len(items)
    message = encode(items)
    while message.ByteSize() > MESSAGE_BYTES:
        if count <= 1:
            return None, count
        count //= 2
        message = encode(items[:count])
    return message, count
