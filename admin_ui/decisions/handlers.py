"""`/api/decisions` and `/api/story`: why cars were sent where they are."""

import asyncio
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from admin_ui.decisions.feed import DecisionFeed
from admin_ui.decisions.reasons import explained
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls, Reply
from admin_ui.web.access import ConsoleHandler
from runtime.settings import integer

MOST_TOLD = 100  # decisions of one story
MOST_ID = 128


class DecisionsHandler(ConsoleHandler):
    """`GET /api/decisions?after=`: the newest past a number; `left_out` is how many more there were."""

    def setup(self, feed: DecisionFeed, board: Board) -> None:  # type: ignore[override]
        """`feed` asks the balancer."""
        self._feed = feed
        self._board = board

    async def get(self) -> None:
        """Write the newest first."""
        try:
            after = integer(0, 2**53)(self.get_query_argument("after", "0"))
        except ValueError as error:
            raise HTTPError(400, f"after: {error}") from None
        newest, fault = await self._feed.newest(len(self._board.rows))
        found = [each for each in newest if each["number"] > after]
        oldest = newest[-1]["number"] if newest else after
        left_out = max(oldest - after - 1, 0) if after else 0
        self.write_json({"decisions": found, "left_out": left_out, "fault": fault})


class StoryHandler(ConsoleHandler):
    """`GET /api/story?vehicle_id=` or `?session_id=`: what was decided, and the sessions that came of it."""

    def setup(self, calls: GridCalls) -> None:  # type: ignore[override]
        """`calls` asks the balancer and the gateway."""
        self._calls = calls

    async def get(self) -> None:
        """Write it; what could not be asked is in `faults`, in words."""
        vehicle_id, session_id = (
            self.get_query_argument(name, "")[:MOST_ID] for name in ("vehicle_id", "session_id")
        )
        if bool(vehicle_id) == bool(session_id):
            raise HTTPError(400, "a vehicle_id or a session_id is wanted")
        faults: list[str] = []
        sessions: list[dict[str, Any]] = []
        if session_id:
            reply = await self._calls.session(session_id)
            sessions = self._taken(reply, f"session {session_id}", faults, [reply.body])
            decided = await self._decided(faults, session_id=session_id)
            vehicle_id = next((each["vehicle_id"] for each in decided), "") or next(
                (each["vehicle_id"] for each in sessions), ""
            )
        decisions = await self._decided(faults, vehicle_id=vehicle_id) if vehicle_id else []
        if not session_id:
            sessions = await self._sessions(vehicle_id, decisions, faults)
        self.write_json(
            {"vehicle_id": vehicle_id, "sessions": sessions, "decisions": decisions, "faults": faults}
        )

    async def _decided(self, faults: list[str], **query: str) -> list[dict[str, Any]]:
        reply = await self._calls.decisions(limit=MOST_TOLD, **query)
        found: list[dict[str, Any]] = reply.body.get("decisions", [])
        if "decisions" not in reply.body:
            faults.append(f"What was decided is not known: {reply.detail}.")
        return [explained(each) for each in found]

    async def _sessions(
        self, vehicle_id: str, decisions: list[dict[str, Any]], faults: list[str]
    ) -> list[dict[str, Any]]:
        """Return those that the gateway lists for us, and those of other callers that decisions name."""
        reply = await self._calls.sessions(vehicle_id)
        sessions = self._taken(reply, f"the sessions of {vehicle_id}", faults, reply.body.get("sessions", []))
        known = {each["session_id"] for each in sessions}
        named = [each["session_id"] for each in decisions if each["session_id"]]
        others = [each for each in dict.fromkeys(named) if each not in known]
        replies = await asyncio.gather(*(self._calls.session(each) for each in others))
        for session_id, found in zip(others, replies, strict=True):
            sessions += self._taken(found, f"session {session_id}", faults, [found.body])
        return sorted(sessions, key=lambda session: str(session["started_at"]), reverse=True)

    def _taken(
        self, reply: Reply, what: str, faults: list[str], found: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        if reply.status == HTTPStatus.OK:
            return list(found)
        why = {
            HTTPStatus.NOT_FOUND: f"There is no {what}, or it ended so long ago that it was dropped.",
            HTTPStatus.UNAUTHORIZED: f"The gateway wants an API key to tell {what}: set GATEWAY_API_KEY_FILE.",
            0: f"The gateway does not answer, so {what} can't be looked up: {reply.detail}. Does it run?",
        }
        otherwise = f"{what[:1].upper()}{what[1:]} can't be looked up: {reply.detail}. Try again."
        faults.append(why.get(reply.status, otherwise))
        return []
