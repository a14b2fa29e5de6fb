"""Makes pages of the sessions of all substations, of what these answer."""

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from admin_ui.grid.board import Board
from admin_ui.sessions.asking import Asking, Listed, all_of
from admin_ui.sessions.ended import EndedQuery, ended_page
from admin_ui.sessions.merge import Source, merged, sums
from admin_ui.sessions.query import PageQuery
from runtime import operator_token
from runtime.operator_token import TokenUnusable

SEARCH_S = 4.0  # for a page of ended sessions


class SessionPages:
    """Makes pages; `token_file` holds the operator token of the substations, None where they require none."""

    def __init__(self, http: aiohttp.ClientSession, board: Board, token_file: Path | None) -> None:
        self._http = http
        self._board = board
        self._token_file = token_file

    @property
    def substations(self) -> list[str]:
        """The ids of the substations that are known."""
        return sorted(self._board.rows)

    async def page(self, query: PageQuery) -> dict[str, Any]:
        """Return a page of open sessions as JSON has it; `faults` names each substation that is not in it."""
        rows, asking = self._asking(query.substation_id, query)
        sources = [Source(name) for name in sorted(rows)]
        found = await merged(sources, query.limit, asking.fetch, all_of, descending=query.descending)
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

    async def ended(self, query: EndedQuery) -> dict[str, Any]:
        """Return a page of ended sessions, newest first: see ended_page. `faults` are as in `page`."""
        rows, asking = self._asking(query.substation_id, query)
        sources = [Source(name) for name in sorted(rows)]
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SEARCH_S
        found = await merged(
            sources,
            query.limit,
            asking.fetch,
            all_of,
            descending=True,
            goes_on=lambda: loop.time() < until_s,
        )
        return ended_page(found, sources, query.limit) | {
            "substations": len(rows),
            "faults": [dataclasses.asdict(each) for each in asking.faults.values()],
        }

    def _asking(self, substation_id: str, listed: Listed) -> tuple[dict[str, Mapping[str, Any]], Asking]:
        """Return the substations that are asked, and who asks them."""
        rows = self._board.rows
        if substation_id:
            rows = {substation_id: rows[substation_id]} if substation_id in rows else {}
        headers, why_not = dict[str, str](), ""
        try:
            headers = operator_token.headers(operator_token.read_if_any(self._token_file))
        except TokenUnusable as error:
            why_not = str(error)
        return dict(rows), Asking(self._http, rows, listed, headers, why_not)
