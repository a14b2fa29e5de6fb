"""Asks the substations for parts of their lists, and notes which of them do not answer."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Protocol

import aiohttp

from admin_ui.sessions.answer import Listing
from runtime import strict_json
from runtime.whole_body import BodyTooLong, whole_body

WITHIN_S = 4.0  # for the answer of a substation, with the wait for a turn among the others
MOST_AT_ONCE = 32  # substations that are asked at the same time
MOST_BYTES = 1_000_000  # of an answer: 100 sessions take about 80 kB


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """A substation whose sessions are not on a page, why not, and how many it had by its last report."""

    substation_id: str
    why: str
    sessions: int


class Listed(Protocol):
    """What substations are asked for: a list at `path`, which begins at a cursor ('': at its beginning)."""

    @property
    def path(self) -> str:
        """The path below the address of a substation."""

    @property
    def start(self) -> str:
        """The cursor at which the page begins."""

    def parameters(self, cursor: str, limit: int) -> dict[str, str]:
        """Return the query for `limit` sessions past a cursor."""

    def read(self, answer: Any, substation_id: str) -> Listing:
        """Read an answer; raises ValueError for what is none."""


class Asking:
    """The requests for one page; `faults` are those of the substations that did not answer, by id."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        rows: Mapping[str, Mapping[str, Any]],
        listed: Listed,
        headers: dict[str, str],
        why_not: str,
    ) -> None:
        """`headers` carry the operator token; `why_not` says in words why it can't be sent, '' when it can."""
        self.faults: dict[str, Fault] = {}
        self._http = http
        self._rows = rows
        self._listed = listed
        self._headers = headers
        self._why_not = why_not
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def fetch(self, substation_id: str, cursor: str, limit: int) -> Listing | None:
        """Return some sessions of a substation past a cursor, None when it does not answer."""
        try:
            async with asyncio.timeout(WITHIN_S), self._turns:
                return await self._ask(substation_id, cursor or self._listed.start, limit)
        except TimeoutError:
            why = f"it did not answer within {WITHIN_S:g} s"
        except (aiohttp.ClientError, OSError) as error:
            why = f"it does not answer ({type(error).__name__})"
        except ValueError as error:
            why = str(error)
        self.faults[substation_id] = Fault(
            substation_id, why, int(self._rows[substation_id].get("sessions", 0))
        )
        return None

    async def _ask(self, substation_id: str, cursor: str, limit: int) -> Listing:
        """Return some sessions of a substation; raises ValueError for an answer that has none."""
        if self._why_not:
            raise ValueError(self._why_not)
        url = f"{self._rows[substation_id]['url']}{self._listed.path}"
        asked = self._listed.parameters(cursor, limit)
        async with self._http.get(url, params=asked, headers=self._headers, allow_redirects=False) as answer:
            body = await _body(answer)
        if answer.status != 200:
            detail = body.get("detail") or body.get("title") if isinstance(body, dict) else ""
            raise ValueError(str(detail or f"it answered {answer.status}")[:200])
        return self._listed.read(body, substation_id)


async def _body(answer: aiohttp.ClientResponse) -> Any:
    """Return the JSON of an answer; raises ValueError when it is none, or too long."""
    try:
        content = await whole_body(answer, MOST_BYTES)
    except BodyTooLong:
        raise ValueError("its answer is too long") from None
    try:
        return strict_json.decode(content.decode())
    except ValueError:
        raise ValueError(f"it answered {answer.status} without JSON") from None


async def all_of(waiting: Iterable[Awaitable[None]]) -> None:
    """Wait for several substations at once."""
    await asyncio.gather(*waiting)
