"""`/api/alarms`: operators acknowledge and mute alarms, and read their history."""

import contextlib
import dataclasses
import time
from typing import Any

from tornado.web import HTTPError

from admin_ui.alarms.folding import fold
from admin_ui.alarms.lifecycle import SHOWN
from admin_ui.alarms.mutes import MuteRefused
from admin_ui.alarms.watch import AlarmWatch
from admin_ui.audit.log import AuditUnwritable
from admin_ui.grid.event_log import HISTORY
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.routes import Route
from runtime.problem import NOT_FOUND, UNAVAILABLE, Problem
from runtime.settings import integer

INVALID = Problem("invalid", 422, "The request is not accepted")
S_PER_MINUTE = 60


class AlarmHandler(ConsoleHandler):
    """The base of these handlers."""

    def setup(self, watch: AlarmWatch) -> None:  # type: ignore[override]
        """`watch` holds the alarms."""
        self._watch = watch

    @property
    def _who(self) -> str:
        return self.login.name if self.login else ""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer that nothing was done when the audit log can't be written."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, AuditUnwritable):
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


class EndedAlarmsHandler(AlarmHandler):
    """`GET /api/alarms/ended`."""

    def get(self) -> None:
        """Write the alarms that have ended, folded by their rules, the newest end first."""
        alarms = self._watch.alarms
        self.write_json({"rules": fold(alarms.log.events, alarms.rules)})


class AcknowledgeHandler(AlarmHandler):
    """`POST /api/alarms/{id}/ack`."""

    acts = "acknowledge alarms"

    async def post(self, alarm_id: str) -> None:
        """Acknowledge one occurrence; 404 when it is acknowledged already, or a new occurrence has replaced it."""
        done = await self._watch.acknowledge([int(alarm_id)], self._who)
        self.audited = True
        if done:
            self.write_json({"acknowledged": [int(alarm_id)]})
        else:
            self.write_problem(
                NOT_FOUND, detail="this occurrence needs no acknowledgement any more: look again"
            )


class AcknowledgeAllHandler(AlarmHandler):
    """`POST /api/alarms/ack` `{"ids": [...]}`: acknowledges the alarms that were in sight."""

    acts = "acknowledge alarms"

    async def post(self) -> None:
        """Acknowledge several alarms; write the ids of those that were still waiting for it."""
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

    def describe(self) -> None:
        """Take what was to be muted, and why."""
        with contextlib.suppress(HTTPError):
            self._take(self.json_object())

    def _take(self, body: dict[str, Any]) -> list[Any]:
        """Return rule, substation and reason, and note them for the audit log."""
        texts = [body.get(each, "") for each in ("rule", "substation_id", "reason")]
        self.target, self.reason = f"{texts[0]} {texts[1]}".strip(), str(texts[2])
        return texts

    async def post(self) -> None:
        """Mute a rule; answer 201 with the mute."""
        body = self.json_object()
        texts = self._take(body)
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
    """Return the routes of the alarms."""
    arguments = {"watch": watch}
    return [
        Route("/api/alarms/history", AlarmHistoryHandler, Role.VIEWER, arguments),
        Route("/api/alarms/ended", EndedAlarmsHandler, Role.VIEWER, arguments),
        Route("/api/alarms/ack", AcknowledgeAllHandler, Role.OPERATOR, arguments),
        Route("/api/alarms/([0-9]{1,15})/ack", AcknowledgeHandler, Role.OPERATOR, arguments),
        Route("/api/alarms/mutes", MutesHandler, Role.OPERATOR, arguments),
        Route("/api/alarms/mutes/([0-9]{1,15})", MuteHandler, Role.OPERATOR, arguments),
    ]
