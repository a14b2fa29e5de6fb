"""`/api/decisions` and `/api/story`: why each car was sent to its substation."""

import asyncio
from http import HTTPStatus
from typing import Any

from jinja2 import Environment
from tornado.web import HTTPError

from admin_ui.decisions.feed import MOST_OPTIONS, DecisionFeed
from admin_ui.decisions.reasons import explain
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls, Reply
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route
from runtime.settings import integer

MOST_DECISIONS = 100  # decisions of one story
MOST_FOUND = 50  # decisions of one page of a search
MOST_ID = 128


class DecisionsHandler(ConsoleHandler):
    """`GET /api/decisions?after=`: the decisions after a number; `left_out` counts those that are no longer known."""

    def setup(self, feed: DecisionFeed, board: Board) -> None:  # type: ignore[override]
        """`feed` holds the newest decisions, `board` the fleet."""
        self._feed = feed
        self._board = board

    async def get(self) -> None:
        """Write the decisions, newest first."""
        try:
            after = integer(0, 2**53)(self.get_query_argument("after", "0"))
        except ValueError as error:
            raise HTTPError(400, f"after: {error}") from None
        newest, fault = await self._feed.newest(len(self._board.rows))
        found = [each for each in newest if each["number"] > after]
        oldest = newest[-1]["number"] if newest else after
        left_out = max(oldest - after - 1, 0) if after else 0
        self.write_json({"decisions": found, "left_out": left_out, "fault": fault})


class SearchHandler(ConsoleHandler):
    """`GET /api/decisions/search?refused=&substation=&policy=&before=`: those that fit, of all that the balancer keeps."""

    def setup(self, calls: GridCalls, board: Board) -> None:  # type: ignore[override]
        """`calls` reach the balancer; of a large fleet it gives fewer decisions at once."""
        self._calls = calls
        self._board = board

    async def get(self) -> None:
        """Write a page, newest first; `next` is the `before` of the next one (unix milliseconds), null at the end."""
        try:
            before = integer(0, 2**53)(self.argument("before") or str(2**53))
            refused = integer(0, 1)(self.argument("refused") or "0")
        except ValueError as error:
            raise HTTPError(400, f"before and refused: {error}") from None
        reply = await self._calls.search_decisions(
            before_unix_ms=before,
            refused=refused,
            substation_id=self.argument("substation")[:MOST_ID],
            policy=self.argument("policy")[:MOST_ID],
            limit=max(min(MOST_FOUND, MOST_OPTIONS // max(len(self._board.rows), 1)), 1),
        )
        known = "decisions" in reply.body
        self.write_json(
            {
                "decisions": [explain(each) for each in reply.body["decisions"]] if known else [],
                "next": reply.body.get("next"),
                "fault": "" if known else f"Earlier decisions can't be looked up: {reply.detail}.",
            }
        )


class StoryHandler(ConsoleHandler):
    """`GET /api/story?vehicle_id=` or `?session_id=`: the decisions on a car, and its sessions."""

    def setup(self, calls: GridCalls) -> None:  # type: ignore[override]
        """`calls` reach the balancer and the gateway."""
        self._calls = calls

    async def get(self) -> None:
        """Write the story; `faults` says in words what could not be looked up."""
        vehicle_id, session_id = (
            self.get_query_argument(name, "")[:MOST_ID] for name in ("vehicle_id", "session_id")
        )
        if bool(vehicle_id) == bool(session_id):
            raise HTTPError(400, "send either vehicle_id or session_id")
        faults: list[str] = []
        sessions: list[dict[str, Any]] = []
        if session_id:
            reply = await self._calls.session(session_id)
            sessions = self._found(reply, f"session {session_id}", faults, [reply.body])
            decided = await self._decisions(faults, session_id=session_id)
            vehicle_id = next((each["vehicle_id"] for each in decided), "") or next(
                (each["vehicle_id"] for each in sessions), ""
            )
        decisions = await self._decisions(faults, vehicle_id=vehicle_id) if vehicle_id else []
        if not session_id:
            sessions = await self._sessions(vehicle_id, decisions, faults)
        self.write_json(
            {"vehicle_id": vehicle_id, "sessions": sessions, "decisions": decisions, "faults": faults}
        )

    async def _decisions(self, faults: list[str], **query: str) -> list[dict[str, Any]]:
        reply = await self._calls.decisions(limit=MOST_DECISIONS, **query)
        found: list[dict[str, Any]] = reply.body.get("decisions", [])
        if "decisions" not in reply.body:
            faults.append(f"The decisions can't be looked up: {reply.detail}.")
        return [explain(each) for each in found]

    async def _sessions(
        self, vehicle_id: str, decisions: list[dict[str, Any]], faults: list[str]
    ) -> list[dict[str, Any]]:
        """Return the sessions that the gateway lists for the console, and those of other callers that decisions name."""
        reply = await self._calls.sessions(vehicle_id)
        sessions = self._found(reply, f"the sessions of {vehicle_id}", faults, reply.body.get("sessions", []))
        known = {each["session_id"] for each in sessions}
        named = [each["session_id"] for each in decisions if each["session_id"]]
        others = [each for each in dict.fromkeys(named) if each not in known]
        replies = await asyncio.gather(*(self._calls.session(each) for each in others))
        for session_id, found in zip(others, replies, strict=True):
            sessions += self._found(found, f"session {session_id}", faults, [found.body])
        return sorted(sessions, key=lambda session: str(session["started_at"]), reverse=True)

    def _found(
        self, reply: Reply, what: str, faults: list[str], found: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        if reply.status == HTTPStatus.OK:
            return list(found)
        why = {
            HTTPStatus.NOT_FOUND: f"There is no {what}, or it ended so long ago that it was dropped.",
            HTTPStatus.UNAUTHORIZED: f"The gateway requires an API key for {what}: set GATEWAY_API_KEY_FILE.",
            0: f"The gateway does not answer, so {what} can't be looked up: {reply.detail}. Does it run?",
        }
        otherwise = f"{what[:1].upper()}{what[1:]} can't be looked up: {reply.detail}. Try again."
        faults.append(why.get(reply.status, otherwise))
        return []


def routes(calls: GridCalls, board: Board, environment: Environment) -> list[Route]:
    """Return the routes of the decisions and the stories."""
    return [
        page_route("/decisions", "decisions/decisions.html", environment),
        Route("/api/decisions", DecisionsHandler, Role.VIEWER, {"feed": DecisionFeed(calls), "board": board}),
        Route("/api/decisions/search", SearchHandler, Role.VIEWER, {"calls": calls, "board": board}),
        Route("/api/story", StoryHandler, Role.VIEWER, {"calls": calls}),
    ]
