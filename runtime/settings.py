"""Settings from the environment: every fault is named at once, before anything starts."""

import dataclasses
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit

HIGHEST_PORT = 65_535
HOST_NAME = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?){0,30}"
)

PASSWORD_BEFORE_HOST = re.compile(r"(://[^:@/]*:).*@")  # up to the last @, as a password may have one
PASSWORD_OPTION = re.compile(r"(password=)[^&]*", re.IGNORECASE)

DNS = "dns://"
NAME_PORT = re.compile(r"([A-Za-z0-9._-]{1,253}):([0-9]{1,5})")

T = TypeVar("T")


@runtime_checkable
class HasFaults(Protocol):
    """Settings that check their combinations: values that are right alone may be wrong together."""

    def faults(self) -> list[str]:
        """Return one sentence for each thing that is wrong."""


class SettingsError(Exception):
    """The environment can't be used; `faults` has one sentence for each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def setting(name: str, default: str | None, parse: Callable[[str], T], about: str) -> T:
    """A dataclass field that is read from the environment.

    `default` is text as the environment would hold it, None if the setting must be given;
    `parse` raises ValueError with what is accepted; `about` says what it is, with its unit.
    The dataclass has the same default when it is constructed by hand.
    """
    described = {"env": name, "default": default, "parse": parse, "about": about}

    def fallback() -> T:
        if default is None:
            raise TypeError(f"{name} must be given")
        return parse(default)

    return dataclasses.field(default_factory=fallback, metadata=described)


def load(cls: type[T], environ: Mapping[str, str]) -> T:
    """Read every field of the settings dataclass `cls`; raises SettingsError with all faults.

    If the dataclass has a method `faults`, its faults count too, once each setting alone is right.
    """
    values: dict[str, Any] = {}
    faults = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name, default = field.metadata["env"], field.metadata["default"]
        text = environ.get(name) or default
        if text is None:
            faults.append(f"{name} is not set: {field.metadata['about']}")
            continue
        try:
            values[field.name] = field.metadata["parse"](text)
        except ValueError as error:
            faults.append(
                f"{name}={without_password(text)!r} can't be used: {error} ({field.metadata['about']})"
            )
    if faults:
        raise SettingsError(faults)
    settings = cls(**values)
    if isinstance(settings, HasFaults) and (faults := settings.faults()):
        raise SettingsError(faults)
    return settings


def without_password(text: str) -> str:
    """Return a setting as it may be printed: what may be a password in a URL is replaced."""
    hidden = PASSWORD_BEFORE_HOST.sub(r"\1***@", text)
    return PASSWORD_OPTION.sub(r"\1***", hidden)


def number(low: float, high: float) -> Callable[[str], float]:
    """A parser for a finite number from `low` to `high`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g} is accepted")
        return value

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser for a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is accepted")
        return int(text)

    return parse


def port(text: str) -> int:
    """A TCP port; 0 lets the system choose a free one."""
    return integer(0, HIGHEST_PORT)(text)


def matching(pattern: str, accepted: str) -> Callable[[str], str]:
    """A parser for text that matches `pattern` as a whole; `accepted` says so in words."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{accepted} is accepted")
        return text

    return parse


def address(text: str) -> str:
    """The address to listen on."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IP address such as 127.0.0.1 or 0.0.0.0 is accepted") from None


def address_if_any(text: str) -> str:
    """An address as above; '' when nothing is set."""
    return address(text) if text else ""


def host_names(text: str) -> tuple[str, ...]:
    """Host names separated by commas, in lower case; none for ''."""
    found = tuple(part.strip().lower().rstrip(".") for part in text.split(",") if part.strip())
    for name in found:
        if not HOST_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a host name: give names without a port, separated by commas")
    return found


def urls(text: str) -> tuple[str, ...]:
    """Base URLs of services, separated by commas."""
    found = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    if not found or len(set(found)) != len(found):
        raise ValueError("one or more different URLs, separated by commas, are accepted")
    for url in found:
        if not _is_base(url):
            raise ValueError(f"{url!r} is not of the form http://host:port or https://host:port")
    return found


def urls_if_any(text: str) -> tuple[str, ...]:
    """Base URLs as above; none when nothing is set."""
    return urls(text) if text else ()


def dns_source(text: str) -> str:
    """A name that stands for all its addresses: `dns://name:port`."""
    parts = NAME_PORT.fullmatch(text, len(DNS)) if text.startswith(DNS) else None
    if not parts or not 0 < int(parts[2]) <= HIGHEST_PORT:
        raise ValueError(f"{text!r} is not of the form dns://name:port")
    return text


def sources(text: str) -> tuple[str, ...]:
    """Where services of one kind are, separated by commas: base URLs, and `dns://name:port` for all addresses of a name."""
    found = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    if not found or len(set(found)) != len(found):
        raise ValueError(
            "one or more different http://host:port or dns://name:port, separated by commas, are accepted"
        )
    for entry in found:
        _ = dns_source(entry) if entry.startswith(DNS) else urls(entry)
    return found


def local_url(bind: str, port: int | str, scheme: str = "http") -> str:
    """Return the base URL with which this machine reaches what listens on the address `bind`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 - it is read here, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_given = parts.port  # raises for what is no port
        (parts.hostname or "").encode("idna")  # raises for what is no name
    except ValueError:
        return False
    beyond = parts.path or parts.query or parts.fragment or parts.username or port_given == 0
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not beyond


def page_url_if_any(text: str) -> str:
    """The base of links that a person follows, which may lie below a path; empty when nothing is set."""
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError("a URL such as http://host:3000 or https://host/grafana is accepted")
    return text.rstrip("/")


def path(text: str) -> Path:
    """A path in the file system, made absolute."""
    return Path(text).absolute()


def path_if_any(text: str) -> Path | None:
    """A path as above; None when nothing is set."""
    return path(text) if text else None
