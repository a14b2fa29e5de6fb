"""What operators say of alarms, and the history."""

import dataclasses
import time
from typing import Any

from tornado.web import HTTPError

from admin_ui.alarms.lifecycle import SHOWN
from admin_ui.alarms.mutes import MuteRefused
from admin_ui.alarms.watch import AlarmWatch
from admin_ui.audit.log import Unwritable
from admin_ui.grid.event_log import HISTORY
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.roles import Role
from admin_ui.web.routes import Route
from runtime.problem import NOT_FOUND, UNAVAILABLE, Problem
from runtime.settings import integer

INVALID = Problem("invalid", 422, "What was asked for is not accepted")
S_PER_MINUTE = 60


class AlarmHandler(ConsoleHandler):
    """Base of these."""

    def setup(self, watch: AlarmWatch) -> None:  # type: ignore[override]
        """`watch` has the alarms."""
        self._watch = watch

    @property
    def _who(self) -> str:
        return self.login.name if self.login else ""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell that nothing was done where the audit log can't be written."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Unwritable):
            self.write_problem(UNAVAILABLE, detail=f"nothing was done: {error}")
        else:
            super().write_error(status_code, **kwargs)


class AlarmHistoryHandler(AlarmHandler):
    """`GET /api/alarms/history?limit=`."""

    def get(self) -> None:
        """Write the newest events, newest first."""
        try:
            limit = integer(1, HISTORY)(self.get_query_argument("limit", "100"))
        except ValueError as error:
            raise HTTPError(400, f"limit: {error}") from None
        log = self._watch.alarms.log
        self.write_json(
            {"events": log.newest(limit), "of": len(log.events), "now_unix_s": round(time.time(), 1)}
        )


class AcknowledgeHandler(AlarmHandler):
    """`POST /api/alarms/{id}/ack`."""

    acts = "acknowledge alarms"

    async def post(self, alarm_id: str) -> None:
        """Acknowledge one occurrence; one that was acknowledged before, or came anew, is not there."""
        done = await self._watch.acknowledge([int(alarm_id)], self._who)
        self.audited = True
        if done:
            self.write_json({"acknowledged": [int(alarm_id)]})
        else:
            self.write_problem(NOT_FOUND, detail="this occurrence waits for nobody: look again")


class AcknowledgeAllHandler(AlarmHandler):
    """`POST /api/alarms/ack`: those that were in sight, `{"ids": [...]}`."""

    acts = "acknowledge alarms"

    async def post(self) -> None:
        """Acknowledge several; writes which of them were still waiting."""
        ids = self.json_object().get("ids")
        if (
            not isinstance(ids, list)
            or len(ids) > 2 * SHOWN
            or not all(isinstance(each, int) for each in ids)
        ):
            self.write_problem(INVALID, detail="ids: a list of ids of alarms")
            return
        self.write_json({"acknowledged": await self._watch.acknowledge(ids, self._who)})


class MutesHandler(AlarmHandler):
    """`POST /api/alarms/mutes`: `{"rule", "substation_id"?, "minutes", "reason"}`."""

    acts = "mute alarms"

    async def post(self) -> None:
        """Mute."""
        body = self.json_object()
        texts = [body.get(each, "") for each in ("rule", "substation_id", "reason")]
        minutes = body.get("minutes")
        if not all(isinstance(each, str) for each in texts) or not isinstance(minutes, int | float):
            self.write_problem(
                INVALID, detail="rule, substation_id and reason are texts, minutes is a number"
            )
            return
        rule, name, reason = texts
        try:
            mute = await self._watch.mute(rule, name, minutes * S_PER_MINUTE, reason, self._who)
        except MuteRefused as error:
            self.audited = True
            self.write_problem(INVALID, detail=str(error))
            return
        self.write_json(dataclasses.asdict(mute), status=201)


class MuteHandler(AlarmHandler):
    """`DELETE /api/alarms/mutes/{id}`."""

    acts = "end a mute"

    async def delete(self, mute_id: str) -> None:
        """End a mute."""
        done = await self._watch.unmute(int(mute_id), self._who)
        self.audited = True
        if done:
            self.write_json({"ended": int(mute_id)})
        else:
            self.write_problem(NOT_FOUND, detail="there is no such mute any more")


def routes(watch: AlarmWatch) -> list[Route]:
    """Return the addresses of these."""
    given = {"watch": watch}
    return [
        Route("/api/alarms/history", AlarmHistoryHandler, Role.VIEWER, given),
        Route("/api/alarms/ack", AcknowledgeAllHandler, Role.OPERATOR, given),
        Route("/api/alarms/([0-9]{1,15})/ack", AcknowledgeHandler, Role.OPERATOR, given),
        Route("/api/alarms/mutes", MutesHandler, Role.OPERATOR, given),
        Route("/api/alarms/mutes/([0-9]{1,15})", MuteHandler, Role.OPERATOR, given),
    ]
