"""`/audit`: the page of the audit log, and its exports."""

import csv
import datetime as dt
import io
import json
import sqlite3
import time
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from admin_ui.audit.chain import UNDER_WAY, UNKNOWN, AuditOutcome, BrokenChain, cell
from admin_ui.audit.log import AuditLog
from admin_ui.audit.sentences import sentence
from admin_ui.web import time_range
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.pages import PageHandler
from runtime.csv_text import BYTE_ORDER_MARK

ON_A_PAGE = 50
NOT_ON_THE_PAGE = frozenset({"now", "basis"})  # long, or for programs: the exports have them
LABELS = {"told": "message"}  # where the word on the page differs from the name in the log
BATCH = 500
FILTERS = ("person", "action", "target", "outcome", "from", "to")
OUTCOMES = (*map(str, AuditOutcome), UNKNOWN)
SELECT = """
SELECT begun.number, begun.at_unix_ms, begun.who, begun.action, begun.target, begun.reason, begun.details,
    coalesce(begun.outcome, ended.outcome, 'unknown') AS outcome,
    ended.at_unix_ms AS ended_unix_ms, ended.details AS result, begun.hash
FROM entry AS begun LEFT JOIN entry AS ended ON ended.of = begun.number
WHERE begun.of IS NULL
    AND (:person = '' OR begun.who = :person) AND (:action = '' OR begun.action = :action)
    AND (:target = '' OR instr(begun.target, :target) > 0)
    AND (:outcome = '' OR coalesce(begun.outcome, ended.outcome, 'unknown') = :outcome)
    AND begun.at_unix_ms >= :from_unix_ms AND begun.at_unix_ms < :to_unix_ms
"""
NEWEST = SELECT + "AND begun.number < :before ORDER BY begun.number DESC LIMIT :count"
OLDEST = SELECT + "AND begun.number > :after ORDER BY begun.number LIMIT :count"
CHOICES = "SELECT DISTINCT {} FROM entry WHERE of IS NULL ORDER BY 1 LIMIT 500"
COLUMNS = (
    "number",
    "at",
    "who",
    "action",
    "target",
    "reason",
    "outcome",
    "ended_at",
    "details",
    "result",
    "hash",
)


class AuditPage(PageHandler):
    """`GET /audit`: the newest entries first; `?verify=1` follows the whole chain."""

    def setup(self, environment: Environment, audit: AuditLog, **more: Any) -> None:  # type: ignore[override]
        """`audit` is the log."""
        super().setup(environment, **more)
        self._audit = audit

    async def get(self) -> None:
        """Write one page of the log."""
        wanted = {name: self.get_query_argument(name, "") for name in FILTERS}
        query = _query(wanted)
        before = _number(self.get_query_argument("before", "")) or self._audit.head.number + 1
        rows = await self._audit.rows(NEWEST, query | {"before": before, "count": ON_A_PAGE + 1})
        choices = {
            name: [row[0] for row in await self._audit.rows(CHOICES.format(column))]
            for name, column in (("person", "who"), ("action", "action"))
        }
        kept = {name: value for name, value in wanted.items() if value}
        older = urlencode(kept | {"before": rows[ON_A_PAGE - 1]["number"]}) if len(rows) > ON_A_PAGE else ""
        self.show(
            "audit/audit.html",
            entries=[self._shown(row) for row in rows[:ON_A_PAGE]],
            wanted=wanted | {name: time_range.shown(wanted[name]) for name in ("from", "to")},
            quick={
                name: urlencode({key: value for key, value in kept.items() if key != "to"} | {"from": begin})
                for name, begin in time_range.quick(time.time()).items()
            },
            choices=choices | {"outcome": OUTCOMES},
            older=older,
            newest=urlencode(kept),
            filtered=bool(kept),
            paged=before <= self._audit.head.number,
            chain=await self._chain(),
            fault=self._audit.fault,
            head=self._audit.head,
            query=urlencode(kept),
        )

    async def _chain(self) -> dict[str, Any] | None:
        if not self.get_query_argument("verify", ""):
            return None
        try:
            head = await self._audit.verify()
        except BrokenChain as error:
            return {"holds": False, "why": str(error)}
        return {"holds": True, "count": head.number, "hash": head.hash}

    def _shown(self, row: sqlite3.Row) -> dict[str, Any]:
        outcome = UNDER_WAY if row["number"] in self._audit.under_way else row["outcome"]
        details = json.loads(row["details"]) | json.loads(row["result"] or "{}")
        said = sentence(row["who"], row["action"], row["target"], outcome, details)
        of_entry = {"number": row["number"], "user": row["who"], "target": row["target"], "hash": row["hash"]}
        if row["ended_unix_ms"]:
            of_entry["ended at"] = f"{_iso(row['ended_unix_ms'])[:19]} UTC"
        return dict(row) | {
            "outcome": outcome,
            "at": _iso(row["at_unix_ms"]),
            "sentence": said,
            "details": _details(of_entry | details),
        }


class AuditExport(ConsoleHandler):
    """`GET /audit/export?format=`: `csv` has a line for each action, filtered; `jsonl` all entries with hashes."""

    def setup(self, audit: AuditLog) -> None:  # type: ignore[override]
        """`audit` is the log."""
        self._audit = audit

    async def get(self) -> None:
        """Write the file in batches."""
        kind = self.get_query_argument("format", "csv")
        if kind not in {"csv", "jsonl"}:
            raise HTTPError(400, "format: csv or jsonl is accepted")
        wanted = _query({name: self.get_query_argument(name, "") for name in FILTERS})
        day = time.strftime("%Y-%m-%d", time.gmtime())
        self.set_header("Content-Disposition", f'attachment; filename="audit-{day}.{kind}"')
        self.set_header("Content-Type", "text/csv; charset=utf-8" if kind == "csv" else "application/jsonl")
        try:
            await (self._csv(wanted) if kind == "csv" else self._jsonl())
        except StreamClosedError:
            return  # the client has gone

    async def _csv(self, wanted: dict[str, Any]) -> None:
        self.write(BYTE_ORDER_MARK + _line(COLUMNS))
        after = 0
        while rows := await self._audit.rows(OLDEST, wanted | {"after": after, "count": BATCH}):
            for row in rows:
                known = dict(row) | {"at": _iso(row["at_unix_ms"]), "ended_at": _iso(row["ended_unix_ms"])}
                self.write(_line([known[name] for name in COLUMNS]))
            after = rows[-1]["number"]
            await self.flush()

    async def _jsonl(self) -> None:
        async for entries in self._audit.all():
            for entry in entries:
                document = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
                self.write(json.dumps(document, ensure_ascii=False) + "\n")
            await self.flush()


def _query(wanted: dict[str, str]) -> dict[str, Any]:
    """Return the values of a query; raises HTTPError with what is accepted."""
    try:
        from_unix_ms, to_unix_ms = time_range.bounds(wanted)
    except ValueError as error:
        raise HTTPError(400, str(error)) from None
    return wanted | {"from_unix_ms": from_unix_ms, "to_unix_ms": to_unix_ms}


def _line(values: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([cell(value) for value in values])
    return out.getvalue()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _iso(unix_ms: int | None) -> str:
    if unix_ms is None:
        return ""
    return dt.datetime.fromtimestamp(unix_ms / 1000, dt.UTC).isoformat(sep=" ", timespec="seconds")[:19] + "Z"


def _details(details: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the details that the page shows, as pairs of name and text."""
    shown = {
        name: value
        for name, value in details.items()
        if name not in NOT_ON_THE_PAGE and value not in (None, "")
    }
    return [(LABELS.get(name, name).replace("_", " "), _words(value)) for name, value in shown.items()]


def _words(value: Any) -> str:
    match value:
        case str():
            return value
        case list():
            return ", ".join(map(_words, value))
        case dict():
            return ", ".join(f"{name}: {_words(each)}" for name, each in value.items())
    return json.dumps(value)
