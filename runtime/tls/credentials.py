"""The certificate, key and authority of one process, read again when their files change.

A connection that begins after a change uses the new files. One that is open stays open: TLS checks certificates only
when a connection begins. Files that can't be used are reported, and the ones before stay in use.
"""

import datetime as dt
import functools
import logging
import ssl
import time
from pathlib import Path
from typing import Any

from runtime.tls.identity import Identity, NoIdentity, Role, identity_of, of_peer
from runtime.tls.own_handshake import CERT_HAS_EXPIRED, refusal
from runtime.tls.watched_files import WatchedFiles

log = logging.getLogger(__name__)


class CredentialsUnusable(OSError):
    """The files can't be used; `faults` has one sentence for each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class _CheckedSocket(ssl.SSLSocket):
    """What Tornado connects with: the handshake fails when the other end is somebody else."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - Python's signature
        super().do_handshake(block)
        _check(self.context, self.getpeercert())


class _CheckedObject(ssl.SSLObject):
    """The same, for asyncio and uvloop."""

    def do_handshake(self) -> None:
        super().do_handshake()
        _check(self.context, self.getpeercert())


class PeerContext(ssl.SSLContext):
    """A context whose handshakes fail unless the other end is of the grid, and of `role` if that is given."""

    sslsocket_class = _CheckedSocket
    sslobject_class = _CheckedObject
    role: Role | None = None


def _check(context: ssl.SSLContext, certificate: Any) -> None:
    try:
        peer = of_peer(certificate)
    except NoIdentity as error:
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from None
    role = context.role if isinstance(context, PeerContext) else None
    if role and peer.role is not role:
        raise ssl.SSLError(
            ssl.SSL_ERROR_SSL, f"the other end is {peer}, by its certificate, and not a {role}"
        )


def peer_of(connection: Any) -> Identity:
    """Return who is at the other end of a transport of asyncio, or of a socket; raises NoIdentity."""
    if hasattr(connection, "get_extra_info"):
        return of_peer(connection.get_extra_info("peercert"))
    return of_peer(connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None)


class Credentials:
    """The files of one process, as contexts for its connections."""

    def __init__(self, files: tuple[Path, Path, Path], own: Role | None, name: str = "") -> None:
        """`files` are those of the authority, the certificate and the key.

        `own` and `name` are what the certificate must name; None and '' for any. Raises CredentialsUnusable with all faults.
        """
        self._files = files
        self._role = own
        self._watched = WatchedFiles(self._files)
        self._loaded = _Loaded(*self._files, own, name)

    @property
    def identity(self) -> Identity:
        """Who this process is by its certificate."""
        return self._loaded.identity

    def server(self) -> ssl.SSLContext:
        """Return the context of a connection that somebody else has begun."""
        self._look()
        return self._loaded.server

    def client(self, role: Role | None) -> ssl.SSLContext:
        """Return the context of a connection to a process with this role, None for any role."""
        self._look()
        return self._loaded.client(role)

    def public(self) -> ssl.SSLContext:
        """Return the context of a connection that shows no certificate, to a server that proves its host name.

        The authority of the grid is trusted there beside those that the machine trusts.
        """
        self._look()
        return self._loaded.public

    def expiries(self) -> dict[str, float]:
        """Return the unix time at which the certificate, and the first of the authorities, expire."""
        self._look()
        return {"own": self._loaded.expires_s, "authority": self._loaded.authority_expires_s}

    def _look(self) -> None:
        """Load the files again if they have changed."""
        if not self._watched.changed():
            return
        try:
            loaded = _Loaded(*self._files, self._role, self.identity.name)
        except CredentialsUnusable as error:  # perhaps only a part of the files has been replaced yet
            log.error("new TLS files can't be used, the former stay in use", extra={"why": str(error)})
            return
        self._loaded = loaded
        log.info("new TLS files are used", extra={"expires": _day(loaded.expires_s)})


class _Loaded:
    """What the files held when they were read; raises CredentialsUnusable."""

    def __init__(self, authority: Path, certificate: Path, key: Path, own: Role | None, name: str) -> None:
        self._files = authority, certificate, key
        unreadable = [
            f"{name}={path} can't be read: {fault}"
            for name, path in (("TLS_CA", authority), ("TLS_CERT", certificate), ("TLS_KEY", key))
            if (fault := _unreadable(path))
        ]
        if unreadable:
            raise CredentialsUnusable(unreadable)
        faults = []
        try:
            self.identity, self.expires_s = read_certificate(certificate)
            if own not in {None, self.identity.role} or name not in {"", self.identity.name}:
                faults.append(f"TLS_CERT={certificate} is of {self.identity}, and this is {name or own}")
            if self.expires_s < time.time():
                faults.append(f"TLS_CERT={certificate} expired on {_day(self.expires_s)}")
        except ValueError as error:
            faults.append(f"TLS_CERT={certificate} can't be used: {error}")
        try:
            self.authority_expires_s = authorities_expire_s(authority)
        except ValueError as error:
            faults.append(f"TLS_CA={authority} can't be used: {error}")
        self._clients: dict[Role | None, PeerContext] = {}
        try:
            self.server = self._context(ssl.PROTOCOL_TLS_SERVER)
        except OSError as error:  # ssl.SSLError is one
            faults.append(f"TLS_CA, TLS_CERT and TLS_KEY can't be used together: {error}")
        else:
            faults += self._refused()
        if faults:
            raise CredentialsUnusable(faults)
        self.server.num_tickets = 0  # a session that goes on would skip the check of certificates

    def _refused(self) -> list[str]:
        """Return what others who trust the same authority would say against the certificate."""
        why, code = refusal(self.server, self._context(ssl.PROTOCOL_TLS_CLIENT))
        if (
            not why
            or not hasattr(self, "identity")
            or (code == CERT_HAS_EXPIRED and self.expires_s < time.time())
        ):
            return []  # or it was said before
        authority, certificate, _ = self._files
        return [f"TLS_CERT={certificate} is refused by whoever trusts TLS_CA={authority}: {why}"]

    def client(self, role: Role | None) -> ssl.SSLContext:
        """Return the context of connections to a role, the same one each time."""
        if role not in self._clients:
            self._clients[role] = self._context(ssl.PROTOCOL_TLS_CLIENT)
            self._clients[role].role = role
        return self._clients[role]

    @functools.cached_property
    def public(self) -> ssl.SSLContext:
        """The context of connections to servers that are known by their host names."""
        context = ssl.create_default_context()
        context.load_verify_locations(self._files[0])
        return context

    def _context(self, protocol: int) -> PeerContext:
        authority, certificate, key = self._files
        context = PeerContext(protocol)
        context.check_hostname = False  # the role counts, see runtime/tls/identity.py
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(authority)
        context.load_cert_chain(certificate, key)
        return context


def _unreadable(path: Path) -> str:
    try:
        path.read_bytes()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def read_certificate(path: Path) -> tuple[Identity, float]:
    """Return who the first certificate in a PEM file names, and the unix time at which it expires.

    Raises NoIdentity, a ValueError, for one that names nobody of the grid, and ValueError for no certificate.
    """
    from cryptography import x509  # noqa: PLC0415 - takes 60 ms, and only with TLS

    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise NoIdentity("the certificate has no alternative names") from None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:  # these are no ValueErrors
        raise NoIdentity(f"the alternative names of the certificate can't be read: {error}") from None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return identity_of(uris), certificate.not_valid_after_utc.timestamp()


def authorities_expire_s(path: Path) -> float:
    """Return the unix time at which the first authority in a PEM file expires; raises ValueError.

    The file may hold other certificates too: on a Swarm, one secret has all that a service needs.
    """
    from cryptography import x509  # noqa: PLC0415 - see above

    def signs(certificate: x509.Certificate) -> bool:
        try:
            return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            return False

    found = x509.load_pem_x509_certificates(path.read_bytes())
    return min(each.not_valid_after_utc.timestamp() for each in list(filter(signs, found)) or found)


def _day(unix_s: float) -> str:
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


class Callee:
    """A process that is called under TLS: what it must be. `name` is a substation's id, '' for whoever has the role."""

    def __init__(self, credentials: Credentials, role: Role, name: str = "") -> None:
        self._credentials = credentials
        self._role = role
        self._name = name

    def context(self) -> ssl.SSLContext:
        """Return the context of a new connection; its handshake fails for another role."""
        return self._credentials.client(self._role)

    def mistaken(self, transport: Any) -> str:
        """Return in words why the other end of a connection is not the one that is called, '' when it is."""
        peer = peer_of(transport)
        if self._name and peer.name != self._name:
            return f"it is {peer}, by its certificate, and not {self._name}"
        return ""
