"""The folder of a grid's certificates: one folder for each service, with what this service needs and nothing else.

authority/ca.pem, ca-key.pem        the key stays here: no service needs it
balancer/ca.pem, cert.pem, key.pem  and so on for each role
substations/substation-1/...        one for each substation
public/cert.pem, key.pem            what the gateway shows to charge points
"""

import contextlib
import dataclasses
import datetime as dt
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography import x509

from deploy.certificates.authority import Authority
from runtime.tls.identity import Identity, Role

SHUT = 0o400
FOLDER_MODE = 0o700
SINGLE = tuple(role for role in Role if role is not Role.SUBSTATION)
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a folder is to hold. `hosts` are the names and addresses by which charge points reach the gateway.

    A certificate is issued for `days`, and again when less than a third of that is left. `readable` has the file mode
    of a role's files where its service runs under another user.
    """

    substations: Sequence[str]
    hosts: Sequence[str] = LOCAL
    days: float = 365.0
    renew_all: bool = False
    readable: Mapping[Role, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a certificate is for. `title` is for people, `mode` and `prefix` are those of its files."""

    title: str
    uris: Sequence[str]
    hosts: Sequence[str]
    mode: int
    prefix: str = ""


def fill(folder: Path, wanted: Wanted, now: dt.datetime) -> list[str]:
    """Make what is missing or expires soon; returns what was made, in words. Raises OSError and ValueError."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    made: list[str] = []
    authority = _authority(folder / "authority", now, made)
    for identity in (
        *map(Identity, SINGLE),
        *(Identity(Role.SUBSTATION, name) for name in wanted.substations),
    ):
        below = Path("substations", identity.name) if identity.name else Path(identity.role)
        mode = wanted.readable.get(identity.role, SHUT)
        _put(folder / below / "ca.pem", authority.certificate, mode)
        # Prometheus and the probe check host names: a role is one too.
        hosts = (identity.role, f"tasks.{identity.role}", *LOCAL)
        subject = Subject(str(identity), [identity.uri], hosts, mode)
        if _issue(folder / below, authority, subject, wanted, now):
            made.append(str(identity))
    public = Subject("gateway", [], (Role.GATEWAY, *wanted.hosts), SHUT, "public-")
    if _issue(folder / Role.GATEWAY, authority, public, wanted, now):
        made.append("the public one of the gateway")
    return made


def _authority(folder: Path, now: dt.datetime, made: list[str]) -> Authority:
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    if not key.exists():
        authority, pem = Authority.made(now)
        _put(certificate, authority.certificate, SHUT)
        _put(key, pem, SHUT)  # last: what is there is complete
        made.append("the authority")
        return authority
    return Authority(certificate.read_bytes(), key.read_bytes())


def _issue(folder: Path, authority: Authority, subject: Subject, wanted: Wanted, now: dt.datetime) -> bool:
    """Issue a certificate into `folder` if it needs one; returns whether it did."""
    certificate, key = (folder / f"{subject.prefix}{name}.pem" for name in ("cert", "key"))
    if not wanted.renew_all and _lasts(certificate, subject.hosts, now, wanted.days):
        return False
    until = now + dt.timedelta(days=wanted.days)
    issued = authority.issue(subject.title, subject.uris, subject.hosts, until, now)
    _put(key, issued.key, subject.mode)
    _put(certificate, issued.certificate, subject.mode)  # services use the new ones once they fit together
    if not subject.prefix:  # one file with all of it, as a secret of an engine
        _put(folder / "all.pem", issued.certificate + authority.certificate + issued.key, subject.mode)
    return True


def _lasts(certificate: Path, hosts: Sequence[str], now: dt.datetime, days: float) -> bool:
    """Whether a certificate is there, has these names, and has a third of its time left."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except OSError:
        return False
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    known = {*names.get_values_for_type(x509.DNSName), *addresses}
    return known >= set(hosts) and found.not_valid_after_utc - now > dt.timedelta(days=days / 3)


def _put(path: Path, content: bytes, mode: int) -> None:
    """Write a file as a whole, unless it has this content: a service may read it at any moment."""
    for folder in (path.parent.parent, path.parent):  # `parents=True` would leave the mode to the umask
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return
    descriptor, partial = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(descriptor, mode)
    Path(partial).replace(path)
