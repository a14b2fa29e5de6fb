"""Reads the body of an answer as a whole, up to a limit.

`StreamReader.read(n)` of aiohttp returns what has come so far, which is a part wherever an answer takes more than one packet.
"""

import aiohttp


class BodyTooLong(ValueError):
    """The body is longer than what is accepted."""


async def whole_body(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Return the body of an answer; raises BodyTooLong when it has more than `most_bytes`, and aiohttp.ClientError."""
    content = bytearray()
    async for part in answer.content.iter_any():
        content += part
        if len(content) > most_bytes:
            raise BodyTooLong(f"the answer is longer than {most_bytes} bytes")
    return bytes(content)
