"""Writes the tables of docs/explanation/threat-model.md from the listeners of the real services: `make docs`."""

import asyncio
import dataclasses
import datetime as dt
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from tornado.routing import PathMatches
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from admin_ui.app import console
from admin_ui.settings import Settings as ConsoleSettings
from admin_ui.web.logins import Role as PersonRole
from balancer.app import balancer
from balancer.settings import Settings as BalancerSettings
from deploy.certificates.folder import Wanted, fill
from gateway.app import gateway
from gateway.services import Services
from gateway.settings import Settings as GatewaySettings
from monitoring.metrics_page import free_ports
from runtime import http, stream_server
from runtime.gate import SAFE, Gate
from runtime.settings import load
from runtime.tls.identity import Identity, Role
from runtime.tls.permissions import ITSELF, STREAM, Permissions
from substation.app import substation
from substation.settings import Settings as SubstationSettings

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "threat-model.md"
BEGIN = "<!-- Written by `make docs` from the route tables of the services, up to the next such line. -->\n"
END = "<!-- End of what `make docs` writes. -->\n"
STATION = "substation-1"
IDENTITIES = {role: Identity(role, STATION if role is Role.SUBSTATION else "") for role in Role}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ANYBODY = "whoever reaches the port"
OPERATORS = "whoever has the operator token, where one is set"
KEYED = "whoever has an API key, where `API_KEYS` is set"


@dataclasses.dataclass(frozen=True)
class Listener:
    """A port that a service has opened: of HTTP with an application, or of streams without one."""

    service: Role
    app: Application | None = None
    gate: Gate = dataclasses.field(default_factory=Gate)


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One method of one route. `arguments` are what the route gives its handler."""

    method: str
    pattern: str
    handler: type[RequestHandler] | None
    arguments: Mapping[str, Any]


async def listeners(data: Path) -> list[Listener]:
    """Return every listener that the services open when all that is optional is on: TLS, token, monitoring, single sign-on."""
    fill(data / "tls", Wanted([STATION]), dt.datetime.now(dt.UTC))
    (data / "token").write_text("a" * 32)
    found: list[Listener] = []
    async with AsyncExitStack() as stack:
        for role, service in _services(data).items():
            with mock.patch.multiple(http, listen=_noting(http.listen, role, found)):
                noting = _noting(stream_server.listen, role, found)
                with mock.patch.multiple(stream_server, listen=noting):
                    await stack.enter_async_context(service())
    return found


def endpoints(app: Application) -> Iterator[Endpoint]:
    """Yield what an application answers, in the order of its routes; any other path is answered with 404."""
    exchanges: Iterable[tuple[str, str]] = app.settings.get("exchanges", {})
    for rule in app.wildcard_router.rules:
        assert isinstance(rule.matcher, PathMatches)
        pattern, handler = rule.matcher.regex.pattern.rstrip("$"), rule.target
        takes = _methods(handler) | {method for method, path in exchanges if path == pattern}
        for method in METHODS:
            if method in takes:
                yield Endpoint(method, pattern, handler, rule.target_kwargs)


def tables(found: Iterable[Listener]) -> str:
    """Return the generated part of the page."""
    parts = []
    for each in found:
        parts.append(f"\n#### {_heading(each)}\n\n{_checks(each)}\n\n")
        if not each.app:
            parts.append(_stream_table(each))
        elif _is_console(each.app):
            parts.append(_console_table(each.app))
        else:
            parts.append(_service_table(each, each.app))
    return "".join(parts) + "\n"


def filled(text: str, written: str) -> str:
    """Return the page with its generated part replaced; raises ValueError when it has no such part."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE} lacks the lines between which its tables stand")
    return before + begin + written + end + after


def _services(data: Path) -> dict[Role, Callable[[], AbstractAsyncContextManager[None]]]:
    names = ("GATEWAY_PORT", "GATEWAY_MONITOR_PORT", "CONSOLE_PORT", "CONSOLE_MONITOR_PORT", "BALANCER_PORT")
    ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    shared = ports | {
        "DATA_DIR": str(data),
        "OPERATOR_TOKEN_FILE": str(data / "token"),
        "SUBSTATION_PORT": "0",
        "SUBSTATION_STREAM_PORT": "0",
        "BALANCER_STREAM_PORT": "0",
        "SUBSTATIONS": "https://127.0.0.1:1",
        "BALANCER": "127.0.0.1:1",
        "BALANCER_URL": "https://127.0.0.1:1",
        "GATEWAY_URL": "http://127.0.0.1:1",
        "OIDC_ISSUER": "https://127.0.0.1:1",  # asked when the first person comes
        "OIDC_CLIENT_ID": "console",
        "OIDC_CLIENT_SECRET_FILE": str(data / "token"),
        "OIDC_ROLES": "admins=administrator",
        "GATEWAY_MONITOR_URLS": "https://127.0.0.1:1",
    }

    def environ(role: Role) -> dict[str, str]:
        folder = data / "tls" / (f"substations/{STATION}" if role is Role.SUBSTATION else role)
        parts = {"TLS_CA": "ca", "TLS_CERT": "cert", "TLS_KEY": "key"}
        return shared | {name: str(folder / f"{part}.pem") for name, part in parts.items()}

    return {
        Role.GATEWAY: lambda: gateway(load(GatewaySettings, environ(Role.GATEWAY))),
        Role.BALANCER: lambda: balancer(load(BalancerSettings, environ(Role.BALANCER))),
        Role.SUBSTATION: lambda: substation(load(SubstationSettings, environ(Role.SUBSTATION))),
        Role.CONSOLE: lambda: console(load(ConsoleSettings, environ(Role.CONSOLE))),
    }


def _noting(listen: Callable[..., Any], service: Role, found: list[Listener]) -> Callable[..., Any]:
    """Return `listen`, which notes what it is asked to serve."""

    def noting(served: Any, *given: Any, **named: Any) -> Any:
        if isinstance(served, Application):
            found.append(Listener(service, served, named["gate"]))
        else:
            found.append(Listener(service))
        return listen(served, *given, **named)

    return noting


def _methods(handler: type[RequestHandler]) -> set[str]:
    """Return the methods that a handler takes: HEAD wherever it takes GET, OPTIONS nowhere."""
    own = {each for each in METHODS if _own(handler, each.lower())}
    return own if "GET" in own else own - {"HEAD"}


def _own(handler: type[RequestHandler], method: str) -> bool:
    return getattr(handler, method) is not getattr(RequestHandler, method)


def _is_console(app: Application) -> bool:
    return any(isinstance(each.arguments.get("needs"), PersonRole) for each in endpoints(app))


def _is_public(listener: Listener) -> bool:
    """Whether a listener asks for no certificate."""
    return bool(listener.app) and listener.gate.guard is None


def _heading(listener: Listener) -> str:
    name = listener.service.capitalize()
    if not listener.app:
        return f"{name}, stream"
    if listener.service in {Role.GATEWAY, Role.CONSOLE}:
        return f"{name}, {'for everybody' if _is_public(listener) else 'monitoring'}"
    return f"{name}, HTTP"


def _checks(listener: Listener) -> str:
    """Return in a sentence what every request to a listener must pass."""
    gate = listener.gate
    if not listener.app:
        return "A frame is of a bounded length; the first one comes within 5 s and names the protocol."
    said = ["`Host` is an address, `localhost` or of `ALLOWED_HOSTS`"]
    if listener.service is Role.CONSOLE and _is_public(listener):
        said.append("a change comes from the console's own origin, which Tornado checks")
    elif gate.origins:
        said.append("a change does not come from a page of another origin")
    said.append(f"a body is {' or '.join(sorted(gate.kinds))}" if gate.kinds else "handlers check bodies")
    said.append("sizes, times and connections are bounded")
    return "Every request: " + "; ".join(said) + ". Any other path: 404."


def _stream_table(listener: Listener) -> str:
    callers, _ = _callers(listener.service, STREAM, STREAM)
    return _table(("without TLS", "with TLS"), [(OPERATORS, callers)])


def _service_table(listener: Listener, app: Application) -> str:
    public = _is_public(listener)
    rows: list[tuple[str, ...]] = []
    for path, methods, each in _grouped(app):
        if public:
            keyed = isinstance(each.arguments.get("grid"), Services)
            rows.append((methods, path, KEYED if keyed else ANYBODY))
        else:
            rows.append((methods, path, *_who(listener, each)))
    return _table(("method", "path", *(["who may"] if public else ["without TLS", "with TLS"])), rows)


def _who(listener: Listener, each: Endpoint) -> tuple[str, str]:
    """Return who may call an endpoint without TLS and with it, on a listener that asks for certificates."""
    private = getattr(each.handler, "private", False)
    token = bool(listener.gate.token) and (private or each.method not in SAFE)
    others, own = _callers(listener.service, each.method, _sample(each.pattern))
    tls = (
        "; ".join([*([others + " with the token" if token else others] if others else []), *own]) or "nobody"
    )
    if isinstance(each.arguments.get("grid"), Services):
        return "not served", f"{tls}; {KEYED}"
    if listener.service is Role.CONSOLE:
        return "not served", tls
    return OPERATORS if token else ANYBODY, tls


def _console_table(app: Application) -> str:
    rows = []
    for path, methods, each in _grouped(app):
        role = each.arguments.get("needs", PersonRole.NOBODY)
        who = "everybody" if role is PersonRole.NOBODY else role.name.lower()
        rows.append((methods, path, who))
    return _table(("method", "path", "least role"), rows)


def _grouped(app: Application) -> Iterator[tuple[str, str, Endpoint]]:
    """Yield path, methods and one of them: the reading methods of a path together, each other by itself."""
    for each in endpoints(app):
        if each.method == "HEAD":
            continue
        reads = "GET, HEAD" if each.method == "GET" else each.method
        socket = each.handler and issubclass(each.handler, WebSocketHandler)
        yield f"`{_shown(each.pattern)}`", "GET (WebSocket)" if socket else reads, each


def _callers(service: Role, method: str, path: str) -> tuple[str, list[str]]:
    """Return the roles whose certificates allow a call, and ITSELF if that of the service does."""
    permissions = Permissions(IDENTITIES[service])
    others: dict[str, Identity] = {role: who for role, who in IDENTITIES.items() if role is not service}
    if service is Role.SUBSTATION:
        others["another substation"] = Identity(service, "substation-2")
    allowed = [f"{role}" for role, who in others.items() if not permissions.refusal(who, method, path)]
    own = not permissions.refusal(IDENTITIES[service], method, path)
    return ", ".join(allowed), [ITSELF] if own else []


def _sample(pattern: str) -> str:
    """Return a path that fits a pattern, as far as permissions look at it."""
    return re.sub(r"\([^)]*\)", "x", pattern)


def _shown(pattern: str) -> str:
    """Return a pattern for people: choices are listed, what is free is `...`."""
    return re.sub(r"\(([^)]*)\)", lambda found: _choice(found[1]), pattern)


def _choice(group: str) -> str:
    return "{" + group.replace("|", ", ") + "}" if re.fullmatch(r"[a-z|]+", group) else "..."


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


async def written() -> str:
    """Return the tables of all listeners."""
    with tempfile.TemporaryDirectory() as data:
        return tables(await listeners(Path(data)))


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), asyncio.run(written())), encoding="utf-8")
