"""An address of the console with the least role that may use it. Tests check every address with every role."""

import dataclasses
from typing import Any

from tornado.web import RequestHandler

from admin_ui.web.logins import Role


@dataclasses.dataclass(frozen=True)
class Route:
    """One address: its pattern, its handler with the arguments for it, and the least role that may use it.

    `page` says that a person reads the answer: without a login they are sent to the login page, where a program gets a
    problem document.
    """

    pattern: str
    handler: type[RequestHandler]
    needs: Role
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    page: bool = False
