"""The settings of TLS, which all services share: either none of them is set, or all three."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from runtime.settings import path_if_any, setting
from runtime.tls.credentials import Credentials
from runtime.tls.identity import Role
from runtime.tls.paths import own_path

NAMES = ("TLS_CA", "TLS_CERT", "TLS_KEY")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """The settings of a process whose links to other services may be encrypted."""

    tls_ca: Path | None = setting(
        "TLS_CA", "", path_if_any, "certificates (PEM) of the authority that all services trust; turns on TLS"
    )
    tls_cert: Path | None = setting(
        "TLS_CERT", "", path_if_any, "certificate chain (PEM) of this service, which names its role"
    )
    tls_key: Path | None = setting("TLS_KEY", "", path_if_any, "private key (PEM) of that certificate")

    @property
    def scheme(self) -> str:
        """The scheme of the URLs of other services."""
        return "https" if self.tls_ca else "http"

    def tls_faults(self, urls: Iterable[tuple[str, str]] = ()) -> list[str]:
        """Return what is wrong with the combination; `urls` are pairs of a setting and a URL of another service."""
        given = dict(zip(NAMES, (self.tls_ca, self.tls_cert, self.tls_key), strict=True))
        lacking = [name for name, path in given.items() if not path]
        if len(lacking) == len(NAMES):
            return [
                f"{name}={url}: https needs TLS_CA, TLS_CERT and TLS_KEY"
                for name, url in urls
                if url.startswith("https:")
            ]
        if lacking:
            return [f"{name} is not set: TLS_CA, TLS_CERT and TLS_KEY go together" for name in lacking]
        return [
            f"{name}={url}: with TLS_CA set, https://... is accepted"
            for name, url in urls
            if url.startswith("http:")
        ]

    def credentials(self, role: Role | None, name: str = "") -> Credentials | None:
        """Return the credentials of this process, None without TLS; they must name `role`, unless that is None.

        `name` is put where a path has {substation_id}.

        Raises CredentialsUnusable, an OSError, with all faults.
        """
        if not (self.tls_ca and self.tls_cert and self.tls_key):
            return None
        certificate, key = (Path(own_path(str(path), name)) for path in (self.tls_cert, self.tls_key))
        return Credentials((self.tls_ca, certificate, key), role, name)

    def faults(self) -> list[str]:
        """Return the faults in combinations of settings."""
        return self.tls_faults()
