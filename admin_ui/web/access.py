"""The base of the console's handlers: authenticates the request, checks the role, and secures the answer."""

import logging
import time
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import HTTPError, OutputTransform

from admin_ui.web.base_path import under
from admin_ui.web.logins import Login, Logins, Role
from admin_ui.web.problems import (
    CONFIRM_FIRST,
    CROSS_ORIGIN,
    LOGIN_FIRST,
    NOT_ALLOWED_TO,
    PAST_THE_PROXY,
    UNAUDITED,
    ProblemError,
)
from admin_ui.web.proxies import among, client
from admin_ui.web.refusal import Refusal, RefusalLog
from runtime.handlers import ApiHandler
from runtime.problem import FAILED, NOT_ALLOWED, UNAVAILABLE, Problem

log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# Of a script or a style, which a browser shows as plain text when it is opened by itself. The others are about documents
# that run or frame something; on the 38 files of the overview they would be an eighth of its first load.
OF_PARTS = {
    name: SECURITY_HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
}
PARTS = ("text/javascript", "text/css")
# The audit log does not list these as refusals: a confirmation of the password has an entry of its own, and the others
# do not refuse an order.
UNNOTED = frozenset({CONFIRM_FIRST, UNAUDITED, FAILED, UNAVAILABLE, NOT_ALLOWED})
SAFE = frozenset({"GET", "HEAD"})  # methods that a link can repeat


class SecurityHeaders(OutputTransform):
    """Adds the headers by which browsers run only what the console serves, to every answer of every handler."""

    headers: ClassVar[dict[str, str]] = SECURITY_HEADERS
    of_parts: ClassVar[dict[str, str]] = OF_PARTS

    def __init__(self, request: HTTPServerRequest) -> None:
        """Tornado passes the request; the headers are the same for all."""

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: ARG002, FBT001 - Tornado's
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Set the headers that the handler has not set itself; those of a handler may be stricter."""
        headers.pop("Server", None)
        part = headers.get("Content-Type", "").startswith(PARTS)
        for name, value in (self.of_parts if part else self.headers).items():
            headers.setdefault(name, value)
        return status_code, headers, chunk


class StrictTransport(SecurityHeaders):
    """Tells browsers that come by TLS to use nothing else."""

    headers: ClassVar[dict[str, str]] = {"Strict-Transport-Security": "max-age=31536000"}
    of_parts = headers


class AddressedHandler(ApiHandler):
    """Knows the addresses of a request: the client's, and the console's own as browsers see them."""

    @property
    def address(self) -> str:
        """The address of the client; behind proxies, the one that they report."""
        forwarded_for = ",".join(self.request.headers.get_list("X-Forwarded-For"))
        return client(str(self.request.remote_ip), forwarded_for, self.settings.get("proxies", ()))

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:  # noqa: FBT001, FBT002 - Tornado's
        """Lead to an address of the console, which is written from its root, or to another site."""
        super().redirect(under(self.base, url), permanent, status)

    @property
    def base(self) -> str:
        """The path below which browsers see the console, '' for none."""
        return str(self.settings.get("base", ""))

    @property
    def cookie_path(self) -> str:
        """The path of the console's cookies."""
        return self.base or "/"

    @property
    def origin(self) -> str:
        """The scheme and host by which the browser reaches the console."""
        return f"{'https' if self.settings.get('only_tls') else 'http'}://{self.request.host}"


class ConsoleHandler(AddressedHandler):
    """The base of every handler: `needs` is the least role, and `page` says whether a person reads the answer."""

    login: Login | None = None
    acts = ""  # what the audit log calls the action of this handler, '' for none
    target = ""  # of the action, once it is known
    reason = ""  # that the person gave, once it is known
    repeats = True  # whether a GET that failed may be tried again
    audited = False  # whether the audit log has the action already
    _page = False

    def initialize(self, logins: Logins, needs: Role, *, page: bool = False, **more: Any) -> None:  # type: ignore[override]
        """`more` is passed to `setup`."""
        ApiHandler.initialize(self)
        if not _readable(self.request.headers.get("Origin", "")):
            self.request.headers["Origin"] = (
                "null"  # Tornado would raise an error for it instead of refusing the request
            )
        self.logins = logins
        self._needs = needs
        self._page = page
        self.setup(**more)

    def setup(self, **more: Any) -> None:
        """Take the arguments of the route."""

    def prepare(self) -> None:
        """Refuse requests that lack the role: a page redirects to the login, other handlers answer with a problem."""
        super().prepare()
        if self._finished:
            return
        if self.request.method not in {"GET", "HEAD", "OPTIONS"} and "Host" not in self.request.headers:
            raise HTTPError(403)  # Tornado compares the origin with the host
        proxies = self.settings.get("proxies", ())
        if proxies and not among(str(self.request.remote_ip), proxies):
            self.write_problem(PAST_THE_PROXY, detail="see TRUSTED_PROXIES")
            return
        self.login = self.logins.find(self.token, time.time())
        role = self.login.role if self.login else Role.NOBODY
        if role >= self._needs:
            return
        if self.login:
            if self.acts:
                self.describe()
            self.write_problem(NOT_ALLOWED_TO, detail=f"this requires the role {self._needs.name.lower()}")
        elif self._page and self.request.method in SAFE:
            self.redirect(f"/login?next={quote(self.request.uri or '/', safe='')}")
        else:
            self.write_problem(LOGIN_FIRST)

    def describe(self) -> None:
        """Take action, target and reason from a request that is refused by its role, as far as it can be read."""

    def still_allowed(self) -> bool:
        """Return whether the login of this request is open at this moment, with the role that the handler needs."""
        login = self.logins.find(self.token, time.time())
        return login is not None and login.role >= self._needs

    @property
    def token(self) -> str:
        """The token that the browser sends, '' for none."""
        return self.get_cookie(self.settings["login_cookie"], "") or ""

    def confirmed(self) -> bool:
        """Return whether the password was given a short while ago.

        If not, this has answered the request, and the handler must do nothing.
        """
        if self.login and self.logins.confirmed(self.login, time.time()):
            return True
        self.write_problem(CONFIRM_FIRST, detail="POST /confirm with the password, then ask again")
        return False

    def write_problem(self, problem: Problem, **members: Any) -> None:
        """Finish with a problem: as a page for a person, as a document for a program."""
        self._note(problem, str(members.get("detail") or problem.title))
        page = self._problem_page(problem, members.get("detail")) if self._page else ""
        if not page:
            super().write_problem(problem, **members)
            return
        self.set_status(problem.status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page)

    def _note(self, problem: Problem, why: str) -> None:
        """Record a refused order of a person who is logged in, unless the audit log has it already."""
        refusals: RefusalLog | None = self.settings.get("refusals")
        if not self.acts or not self.login or self.audited or problem in UNNOTED or not refusals:
            return
        self.audited = True
        refusals.note(
            Refusal(self.login.name, self.acts, self.target, self.address, problem.code, why, self.reason)
        )

    def _problem_page(self, problem: Problem, detail: str | None) -> str:
        """Return the page, '' when it can't be made, because the fault may be in the templates."""
        repeats = self.repeats and self.request.method in SAFE and problem.status >= FAILED.status
        again = local_address(self.request.uri or "/") if repeats else ""
        try:
            return str(
                self.settings["problem_page"](problem, detail or "", self.request_id, self.login, again)
            )
        except Exception:
            log.exception("the page of an error can't be made", extra={"request_id": self.request_id})
            return ""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the problem of an error."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, ProblemError):
            self.audited = self.audited or error.audited
            self.write_problem(error.problem, detail=str(error))
        elif status_code == CROSS_ORIGIN.status:
            self.write_problem(CROSS_ORIGIN)
        else:
            super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log a fault; a state of the machine, such as a full disk, is no fault of the code."""
        if not isinstance(value, ProblemError):
            super().log_exception(typ, value, tb)


def _readable(origin: str) -> bool:
    try:
        urlsplit(origin)
    except ValueError:
        return False
    return True


def local_address(address: str) -> str:
    """Return an address if it lies in this console, '/' for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    plain = address.isprintable() and address.isascii() and "\\" not in address
    here = address.startswith("/") and not address.startswith("//") and not parts.scheme and not parts.netloc
    return address if plain and here else "/"
