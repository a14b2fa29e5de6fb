"""Wires the audit log: the log, the record of refused orders, and the routes."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jinja2 import Environment

from admin_ui.audit.handlers import AuditExport, AuditPage
from admin_ui.audit.log import AuditLog, path
from admin_ui.audit.refusals import Refusals
from admin_ui.settings import Settings
from admin_ui.web.logins import Role
from admin_ui.web.routes import Route


@dataclasses.dataclass(frozen=True)
class AuditWing:
    """The audit log of a console, and what writes refused orders into it."""

    log: AuditLog
    refusals: Refusals

    def shown(self) -> dict[str, Any]:
        """Return the number of the newest entry, and why the log can't be written ('' when it can)."""
        return {"audit": {"newest": self.log.head.number, "fault": self.log.fault}}

    def routes(self, environment: Environment) -> list[Route]:
        """Return the routes of the log's page and of its exports."""
        page = {"environment": environment, "audit": self.log, "here": "audit"}
        return [
            Route("/audit", AuditPage, Role.VIEWER, page, page=True),
            Route("/audit/export", AuditExport, Role.VIEWER, {"audit": self.log}),
        ]


@asynccontextmanager
async def audit_wing(settings: Settings) -> AsyncIterator[AuditWing]:
    """Keep the audit log open while the context lasts; raises StoreUnusable."""
    wing = AuditWing(log := AuditLog(path(settings.data)), Refusals(log))
    try:
        yield wing
    finally:
        await wing.refusals.close()
        await log.close()
