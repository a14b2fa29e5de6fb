"""Asks the substations for their open sessions, and makes a page of what they answer."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from admin_ui.grid.board import Board
from admin_ui.sessions.answer import Listing, listing_of
from admin_ui.sessions.merge import Source, merged, sums
from admin_ui.sessions.query import PageQuery
from runtime import operator_token, strict_json
from runtime.operator_token import TokenUnusable
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


class SessionPages:
    """Makes pages; `token_file` holds the operator token of the substations, None where they require none."""

    def __init__(self, http: aiohttp.ClientSession, board: Board, token_file: Path | None) -> None:
        self._http = http
        self._board = board
        self._token_file = token_file

    async def page(self, query: PageQuery) -> dict[str, Any]:
        """Return a page as JSON has it; `faults` names each substation that is not in it."""
        rows = self._rows(query.substation_id)
        asking = _Asking(self._http, rows, query, *self._headers())
        sources = [Source(name) for name in sorted(rows)]
        found = await merged(sources, query.limit, asking.fetch, _all_of, descending=query.descending)
        counts = sums(sources)
        first = counts["before"]
        if query.backwards:
            found.reverse()
            first = counts["matching"] - counts["before"] - len(found)
            if first <= 0 or not found:  # the page before is the first one, and that is to be full
                return await self.page(dataclasses.replace(query, before=""))
        more = first + len(found) < counts["matching"]
        return {
            "sessions": [each.document for each in found],
            "first": first,
            "matching": counts["matching"],
            "charging": counts["charging"],
            "paused": counts["paused"],
            "next": found[-1].document["cursor"] if found and more else None,
            "previous": found[0].document["cursor"] if found and first > 0 else None,
            "substations": len(rows),
            "faults": [dataclasses.asdict(each) for each in asking.faults.values()],
        }

    def _rows(self, substation_id: str) -> dict[str, Mapping[str, Any]]:
        """Return the substations that are asked."""
        rows = self._board.rows
        if not substation_id:
            return dict(rows)
        return {substation_id: rows[substation_id]} if substation_id in rows else {}

    def _headers(self) -> tuple[dict[str, str], str]:
        """Return the headers for substations, and in words why they can't be asked, '' when they can."""
        try:
            return operator_token.headers(operator_token.read_if_any(self._token_file)), ""
        except TokenUnusable as error:
            return {}, str(error)


class _Asking:
    """The requests for one page; `faults` are those of the substations that did not answer, by id."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        rows: Mapping[str, Mapping[str, Any]],
        query: PageQuery,
        headers: dict[str, str],
        why_not: str,
    ) -> None:
        self.faults: dict[str, Fault] = {}
        self._http = http
        self._rows = rows
        self._query = query
        self._headers = headers
        self._why_not = why_not
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def fetch(self, substation_id: str, cursor: str, limit: int) -> Listing | None:
        """Return some sessions of a substation past a cursor, None when it does not answer."""
        try:
            async with asyncio.timeout(WITHIN_S), self._turns:
                return await self._ask(
                    substation_id, cursor or self._query.after or self._query.before, limit
                )
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
        url = f"{self._rows[substation_id]['url']}/sessions/open"
        asked = self._query.parameters(cursor, limit)
        async with self._http.get(url, params=asked, headers=self._headers, allow_redirects=False) as answer:
            body = await _body(answer)
        if answer.status != 200:
            detail = body.get("detail") or body.get("title") if isinstance(body, dict) else ""
            raise ValueError(str(detail or f"it answered {answer.status}")[:200])
        return listing_of(body, substation_id, self._query.sort)


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


async def _all_of(waiting: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*waiting)
