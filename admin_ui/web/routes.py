"""Every address of the console, with the least role that it takes. Tests hold each to it."""

import dataclasses
from typing import Any

from tornado.web import RequestHandler

from admin_ui.web.roles import Role


@dataclasses.dataclass(frozen=True)
class Route:
    """One address: its pattern, who answers, what that handler is given, and the least role.

    `page` is read by a person, who is sent to the login; others are told.
    """

    pattern: str
    handler: type[RequestHandler]
    needs: Role
    given: dict[str, Any] = dataclasses.field(default_factory=dict)
    page: bool = False
