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
from cryptography.hazmat.primitives import serialization

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
        trusts_anew = _put(folder / below / "ca.pem", authority.certificate, mode)
        # Prometheus and the probe check host names: a role is one too.
        hosts = (identity.role, f"tasks.{identity.role}", *LOCAL)
        subject = Subject(str(identity), [identity.uri], hosts, mode)
        if _issue(folder / below, authority, subject, wanted, now) or trusts_anew:
            made.append(str(identity))
    public = Subject("gateway", [], (Role.GATEWAY, *wanted.hosts), SHUT, "public-")
    if _issue(folder / Role.GATEWAY, authority, public, wanted, now):
        made.append("the public one of the gateway")
    return made


def _authority(folder: Path, now: dt.datetime, made: list[str]) -> Authority:
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    if not key.exists():
        if there := sorted(folder.parent.glob("*/ca.pem")):  # another authority would cut its services off
            raise ValueError(
                f"{key} is missing, and {there[0]} is of its authority: put the key back,"
                f" or remove what is in {folder.parent} to begin with a new authority"
            )
        authority, pem = Authority.made(now)
        _put(certificate, authority.certificate, SHUT)
        _put(key, pem, SHUT)  # last: what is there is complete
        made.append("the authority")
        return authority
    return Authority(certificate.read_bytes(), key.read_bytes())


def _issue(folder: Path, authority: Authority, subject: Subject, wanted: Wanted, now: dt.datetime) -> bool:
    """Issue a certificate into `folder` if it needs one; returns whether it did."""
    certificate, key = (folder / f"{subject.prefix}{name}.pem" for name in ("cert", "key"))
    due = wanted.renew_all or not _fits(certificate, key, authority)
    due = due or not _lasts(certificate, subject.hosts, now, wanted.days)
    if due:
        until = now + dt.timedelta(days=wanted.days)
        issued = authority.issue(subject.title, subject.uris, subject.hosts, until, now)
        _put(key, issued.key, subject.mode)
        _put(
            certificate, issued.certificate, subject.mode
        )  # services use the new ones once they fit together
    if not subject.prefix:  # one file with all of it, as a secret of an engine
        parts = certificate.read_bytes() + authority.certificate + key.read_bytes()
        return _put(folder / "all.pem", parts, subject.mode) or due
    return due


def _fits(certificate: Path, key: Path, authority: Authority) -> bool:
    """Whether a certificate and its key are there, belong together, and are of this authority."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        own = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, TypeError, ValueError):
        return False
    return own.public_key() == found.public_key() and authority.has_issued(found)


def _lasts(certificate: Path, hosts: Sequence[str], now: dt.datetime, days: float) -> bool:
    """Whether a certificate has these names, and a third of its time left."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    known = {*names.get_values_for_type(x509.DNSName), *addresses}
    return known >= set(hosts) and found.not_valid_after_utc - now > dt.timedelta(days=days / 3)


def _put(path: Path, content: bytes, mode: int) -> bool:
    """Write a file as a whole, unless it has this content: a service may read it at any moment. Returns whether it did."""
    for folder in (path.parent.parent, path.parent):  # `parents=True` would leave the mode to the umask
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    descriptor, partial = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        Path(partial).replace(path)
    except OSError:
        Path(partial).unlink(missing_ok=True)  # it may hold a key
        raise
    return True
