"""The base of the console's handlers: who asks, what they may do, and what their browser may run."""

import logging
import time
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import HTTPError, OutputTransform

from admin_ui.audit.log import Unwritable
from admin_ui.audit.refusals import Refusal, Refusals
from admin_ui.web.proxies import among, client
from admin_ui.web.roles import Login, Logins, Role
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
LOGIN_FIRST = Problem("login-first", 401, "Log in first")
NOT_ALLOWED_TO = Problem("not-allowed", 403, "Your role does not allow this")
CONFIRM_FIRST = Problem("confirm-first", 403, "Give your password again first")
CROSS_ORIGIN = Problem("cross-origin", 403, "Pages of another origin may not ask for this")
PAST_THE_PROXY = Problem("past-the-proxy", 403, "The console can be reached only through its TLS proxy")
UNAUDITED = Problem("no-audit", 503, "The audit log can't be written, so nothing was done")
# The password is asked for and given, or tried in vain: that has an entry. The others are no refusal of an order.
UNNOTED = frozenset({CONFIRM_FIRST, UNAUDITED, FAILED, UNAVAILABLE, NOT_ALLOWED})
SAFE = frozenset({"GET", "HEAD"})  # methods that can be asked again by a link


class SecurityHeaders(OutputTransform):
    """What every answer says to browsers, whoever answers: nothing but what we serve runs in them."""

    says: ClassVar[dict[str, str]] = SECURITY_HEADERS

    def __init__(self, request: HTTPServerRequest) -> None:
        """Every request is answered alike."""

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: ARG002, FBT001 - Tornado's
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Set the headers; a handler may have set stricter ones for what it shows."""
        headers.pop("Server", None)
        for name, value in self.says.items():
            headers.setdefault(name, value)
        return status_code, headers, chunk


class StrictTransport(SecurityHeaders):
    """Where browsers come by TLS, they are to come by nothing else."""

    says: ClassVar[dict[str, str]] = {"Strict-Transport-Security": "max-age=31536000"}


class ConsoleHandler(ApiHandler):
    """Every handler of the console; `needs` is the least role, `page` whether a person reads the answer."""

    login: Login | None = None
    acts = ""  # what the audit log calls that which is asked for here, '' where nothing is done
    target = ""  # of that, once it is known
    reason = ""  # that the person gave, once it is known
    audited = False  # whether the audit log has what was asked for already
    _page = False

    def initialize(self, logins: Logins, needs: Role, *, page: bool = False, **more: Any) -> None:  # type: ignore[override]
        """`more` goes to `setup` of the handler."""
        ApiHandler.initialize(self)
        if not _readable(self.request.headers.get("Origin", "")):
            self.request.headers["Origin"] = "null"  # Tornado would fail over it instead of refusing it
        self.logins = logins
        self._needs = needs
        self._page = page
        self.setup(**more)

    def setup(self, **more: Any) -> None:
        """Take what the route gives."""

    def prepare(self) -> None:
        """Let in who may come in; send others to the login, or tell them."""
        super().prepare()
        if self._finished:
            return
        if self.request.method not in {"GET", "HEAD", "OPTIONS"} and "Host" not in self.request.headers:
            raise HTTPError(403)  # Tornado compares the origin with it
        proxies = self.settings.get("proxies", ())
        if proxies and not among(str(self.request.remote_ip), proxies):
            self.write_problem(PAST_THE_PROXY, detail="see TRUSTED_PROXIES")
            return
        self.login = self.logins.find(self.token, time.time())
        role = self.login.role if self.login else Role.NOBODY
        if role >= self._needs:
            return
        if self.login:
            self.write_problem(NOT_ALLOWED_TO, detail=f"it takes the role {self._needs.name.lower()}")
        elif self._page and self.request.method in SAFE:
            self.redirect(f"/login?next={quote(self.request.uri or '/', safe='')}")
        else:
            self.write_problem(LOGIN_FIRST)

    @property
    def token(self) -> str:
        """The token that the browser sends; '' when it has none."""
        return self.get_cookie(self.settings["login_cookie"], "") or ""

    @property
    def address(self) -> str:
        """The address that the request comes from; behind proxies, the one that they report."""
        forwarded_for = ",".join(self.request.headers.get_list("X-Forwarded-For"))
        return client(str(self.request.remote_ip), forwarded_for, self.settings.get("proxies", ()))

    def confirmed(self) -> bool:
        """Whether the password was given a short while ago; where not, that is answered: do nothing then."""
        if self.login and self.logins.confirmed(self.login, time.time()):
            return True
        self.write_problem(CONFIRM_FIRST, detail="POST /confirm with the password, then ask again")
        return False

    def write_problem(self, problem: Problem, **members: Any) -> None:
        """Finish with a problem: a person gets a page, a program a document."""
        self._note(problem, str(members.get("detail") or problem.title))
        page = self._problem_page(problem, members.get("detail")) if self._page else ""
        if not page:
            super().write_problem(problem, **members)
            return
        self.set_status(problem.status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page)

    def _note(self, problem: Problem, why: str) -> None:
        """Write a refused order of somebody who is logged in into the audit log, unless it is there already."""
        refusals: Refusals | None = self.settings.get("refusals")
        if not self.acts or not self.login or self.audited or problem in UNNOTED or not refusals:
            return
        self.audited = True
        refusals.note(
            Refusal(self.login.name, self.acts, self.target, self.address, problem.code, why, self.reason)
        )

    def _problem_page(self, problem: Problem, detail: str | None) -> str:
        """Return the page, "" where it can't be made: what is broken may be what pages are made of."""
        repeats = self.request.method in SAFE and problem.status >= FAILED.status
        again = inside(self.request.uri or "/") if repeats else ""
        try:
            return str(
                self.settings["problem_page"](problem, detail or "", self.request_id, self.login, again)
            )
        except Exception:
            log.exception("the page of an error can't be made", extra={"request_id": self.request_id})
            return ""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell what only a console refuses."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Unwritable):
            self.write_problem(UNAUDITED, detail=str(error))
        elif status_code == CROSS_ORIGIN.status:
            self.write_problem(CROSS_ORIGIN)
        else:
            super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A disk that is full is no fault of the code."""
        if not isinstance(value, Unwritable):
            super().log_exception(typ, value, tb)


def _readable(origin: str) -> bool:
    try:
        urlsplit(origin)
    except ValueError:
        return False
    return True


def inside(address: str) -> str:
    """Return an address of this console as it was asked for; '/' for whatever leads elsewhere."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    plain = address.isprintable() and address.isascii() and "\\" not in address
    here = address.startswith("/") and not address.startswith("//") and not parts.scheme and not parts.netloc
    return address if plain and here else "/"
