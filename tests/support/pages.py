"""The page that a client asks for, as something to wait for."""

import asyncio

from runtime.page_client import PageClient
from runtime.response_head import ResponseUnusable


async def page_of(client: PageClient) -> bytes:
    """The page as it is now; a page that is waited for no longer is given up."""
    page: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answered(found: bytes | OSError | ResponseUnusable) -> None:
        if isinstance(found, Exception):
            page.set_exception(found)
        else:
            page.set_result(found)

    client.ask(answered)
    try:
        return await page
    except asyncio.CancelledError:
        client.give_up()
        raise
