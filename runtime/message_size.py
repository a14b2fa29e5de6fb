"""How large a message on a stream may be, and how many items go into one.

Pure.

Both ends refuse a larger one, which would end the stream for every call on it; so neither sends one.
"""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

Item = TypeVar("Item")

MESSAGE_BYTES = 1024 * 1024


def fitting(items: list[Item], encode: Callable[[list[Item]], Message]) -> tuple[bytes | None, int]:
    """Return a message of the first items, ready to be sent, and how many they are; None if not even one fits.

    The size of a message is known only once it is written, so it is written here, and only once.
    """
    count = len(items)
    content = encode(items).SerializeToString()
    while len(content) > MESSAGE_BYTES:
        if count <= 1:
            return None, count
        count //= 2
        content = encode(items[:count]).SerializeToString()
    return content, count
