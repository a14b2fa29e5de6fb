"""`/api/decisions` and `/api/story`: why each car was sent to its substation."""

import asyncio
from http import HTTPStatus
from typing import Any

from jinja2 import Environment
from tornado.web import HTTPError

from admin_ui.decisions.feed import MOST_OPTIONS, DecisionFeed, answers, faults
from admin_ui.decisions.merged import by_time, complete
from admin_ui.grid.balancer_calls import Reply
from admin_ui.grid.balancers import Balancers
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.view import GridView
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route
from runtime.settings import integer

MOST_DECISIONS = 100  # decisions of one story
MOST_FOUND = 50  # decisions of one page of a search
MOST_ID = 128


class DecisionsHandler(ConsoleHandler):
    """`GET /api/decisions?after=`: the decisions after a number; `left_out` counts those that are no longer known.

    Numbers are the console's own, over all balancers; they begin again when `feed` changes, with a restart.
    """

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
        found, fault = await self._feed.after(after, len(self._board.rows))
        left_out = max(found[-1]["number"] - after - 1, 0) if after and found else 0
        self.write_json({"feed": self._feed.id, "decisions": found, "left_out": left_out, "fault": fault})


class SearchHandler(ConsoleHandler):
    """`GET /api/decisions/search?refused=&substation=&policy=&balancer=&before=`: those that fit, of all that balancers keep."""

    def setup(self, calls: GridCalls, grid: GridView) -> None:  # type: ignore[override]
        """`calls` reach the balancers of `grid`; of a large fleet they give fewer decisions at once."""
        self._calls = calls
        self._grid = grid

    async def get(self) -> None:
        """Write a page, newest first; `next` is the `before` of the next one (unix milliseconds), null at the end."""
        try:
            before = integer(0, 2**53)(self.argument("before") or str(2**53))
            refused = integer(0, 1)(self.argument("refused") or "0")
        except ValueError as error:
            raise HTTPError(400, f"before and refused: {error}") from None
        replies = await self._calls.search_decisions(
            before_unix_ms=before,
            refused=refused,
            substation_id=self.argument("substation")[:MOST_ID],
            policy=self.argument("policy")[:MOST_ID],
            limit=max(min(MOST_FOUND, MOST_OPTIONS // max(len(self._grid.board.rows), 1)), 1),
        )
        if balancer := self.argument("balancer"):
            replies = {name: reply for name, reply in replies.items() if name == balancer}
        found, following = complete(
            answers(replies), {name: reply.body.get("next") for name, reply in replies.items()}
        )
        missing = faults(replies, self._grid.balancers, "Earlier decisions can't be looked up", only=balancer)
        self.write_json({"decisions": found, "next": following, "fault": " ".join(missing)})


class StoryHandler(ConsoleHandler):
    """`GET /api/story?vehicle_id=` or `?session_id=`: the decisions on a car, and its sessions."""

    def setup(self, calls: GridCalls, balancers: Balancers) -> None:  # type: ignore[override]
        """`calls` reach the balancers and the gateway."""
        self._calls = calls
        self._balancers = balancers

    async def get(self) -> None:
        """Write the story; `faults` says in words what could not be looked up."""
        vehicle_id, session_id = (
            self.get_query_argument(name, "")[:MOST_ID] for name in ("vehicle_id", "session_id")
        )
        if bool(vehicle_id) == bool(session_id):
            raise HTTPError(400, "send either vehicle_id or session_id")
        told: list[str] = []
        sessions: list[dict[str, Any]] = []
        if session_id:
            reply = await self._calls.session(session_id)
            sessions = self._found(reply, f"session {session_id}", told, [reply.body])
            decided = await self._decisions(told, session_id=session_id)
            vehicle_id = next((each["vehicle_id"] for each in decided), "") or next(
                (each["vehicle_id"] for each in sessions), ""
            )
        decisions = await self._decisions(told, vehicle_id=vehicle_id) if vehicle_id else []
        if not session_id:
            sessions = await self._sessions(vehicle_id, decisions, told)
        self.write_json(
            {"vehicle_id": vehicle_id, "sessions": sessions, "decisions": decisions, "faults": told}
        )

    async def _decisions(self, told: list[str], **query: str) -> list[dict[str, Any]]:
        replies = await self._calls.decisions(limit=MOST_DECISIONS, **query)
        missing = faults(replies, self._balancers, "The decisions can't be looked up")
        told += [each for each in missing if each not in told]
        return by_time(answers(replies), MOST_DECISIONS)

    async def _sessions(
        self, vehicle_id: str, decisions: list[dict[str, Any]], told: list[str]
    ) -> list[dict[str, Any]]:
        """Return the sessions that the gateway lists for the console, and those of other callers that decisions name."""
        reply = await self._calls.sessions(vehicle_id)
        sessions = self._found(reply, f"the sessions of {vehicle_id}", told, reply.body.get("sessions", []))
        known = {each["session_id"] for each in sessions}
        named = [each["session_id"] for each in decisions if each["session_id"]]
        others = [each for each in dict.fromkeys(named) if each not in known]
        replies = await asyncio.gather(*(self._calls.session(each) for each in others))
        for session_id, found in zip(others, replies, strict=True):
            sessions += self._found(found, f"session {session_id}", told, [found.body])
        return sorted(sessions, key=lambda session: str(session["started_at"]), reverse=True)

    def _found(
        self, reply: Reply, what: str, told: list[str], found: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        if reply.status == HTTPStatus.OK:
            return list(found)
        why = {
            HTTPStatus.NOT_FOUND: f"There is no {what}, or it ended so long ago that it was dropped.",
            HTTPStatus.UNAUTHORIZED: f"The gateway requires an API key for {what}: set GATEWAY_API_KEY_FILE.",
            0: f"The gateway does not answer, so {what} can't be looked up: {reply.detail}. Does it run?",
        }
        otherwise = f"{what[:1].upper()}{what[1:]} can't be looked up: {reply.detail}. Try again."
        told.append(why.get(reply.status, otherwise))
        return []


def routes(calls: GridCalls, grid: GridView, environment: Environment) -> list[Route]:
    """Return the routes of the decisions and the stories."""
    feed = DecisionFeed(calls, grid.balancers)
    return [
        page_route("/decisions", "decisions/decisions.html", environment),
        Route("/api/decisions", DecisionsHandler, Role.VIEWER, {"feed": feed, "board": grid.board}),
        Route("/api/decisions/search", SearchHandler, Role.VIEWER, {"calls": calls, "grid": grid}),
        Route("/api/story", StoryHandler, Role.VIEWER, {"calls": calls, "balancers": grid.balancers}),
    ]
