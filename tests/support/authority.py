"""Certificates of a grid for tests, from an authority that trustme makes."""

import dataclasses
import datetime as dt
from pathlib import Path

import trustme

from deploy.certificates.authority import Authority, Issued
from runtime.tls.credentials import Credentials
from runtime.tls.identity import Identity, Role

HOUR = dt.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of one process."""

    ca: Path
    certificate: Path
    key: Path

    def environ(self) -> dict[str, str]:
        return {"TLS_CA": str(self.ca), "TLS_CERT": str(self.certificate), "TLS_KEY": str(self.key)}

    def credentials(self, role: Role, name: str = "") -> Credentials:
        return Credentials((self.ca, self.certificate, self.key), role, name)


class TestAuthority:
    """An authority whose certificates lie below `folder`."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        made = trustme.CA()
        self.certificate = made.cert_pem.bytes()
        self._authority = Authority(self.certificate, made.private_key_pem.bytes())
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self.certificate)

    def files(self, role: Role, name: str = "", left: dt.timedelta = HOUR) -> Files:
        """Return the files of an identity, issued anew, valid for `left` from now on."""
        return self.issued([Identity(role, name).uri], name or role, left)

    def issue_between(self, role: Role, begin: dt.datetime, until: dt.datetime) -> Issued:
        """Return a certificate of a role for a time."""
        return self._authority.issue(role, [Identity(role).uri], ["127.0.0.1", "localhost"], until, begin)

    def issued(self, uris: list[str], under: str, left: dt.timedelta = HOUR) -> Files:
        """Return the files of a certificate with these URIs, in the folder `under`."""
        now = dt.datetime.now(dt.UTC)
        begin = min(now, now + left)
        issued = self._authority.issue(under, uris, ["127.0.0.1", "localhost"], now + left, begin)
        files = Files(self.ca, self.folder / under / "cert.pem", self.folder / under / "key.pem")
        files.certificate.parent.mkdir(exist_ok=True)
        files.certificate.write_bytes(issued.certificate)
        files.key.write_bytes(issued.key)
        return files
