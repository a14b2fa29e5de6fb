"""The certificate of a listener for everybody: it proves who the service is, and asks nobody for a certificate."""

import logging
import ssl
from pathlib import Path

from runtime.tls.watched_files import WatchedFiles

log = logging.getLogger(__name__)


class PublicCertificate:
    """A certificate chain and its key, read again when the files change. TLS 1.2 or newer."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raise OSError when the files can't be used."""
        self._files = certificate, key
        self._watched = WatchedFiles(self._files)
        self._context = _context(*self._files)

    def context(self) -> ssl.SSLContext:
        """Return the context of a new connection."""
        if self._watched.changed():
            try:
                self._context = _context(*self._files)
                log.info("a new certificate is used", extra={"certificate": str(self._files[0])})
            except OSError as error:
                log.error("a new certificate can't be used, the former stays", extra={"why": str(error)})
        return self._context

    def expiries(self) -> dict[str, float]:
        """Return the unix time at which the certificate expires; nothing when the file is being replaced."""
        from cryptography import x509  # noqa: PLC0415 - takes 60 ms, and only with TLS

        try:
            certificate = x509.load_pem_x509_certificate(self._files[0].read_bytes())
        except (OSError, ValueError):
            return {}
        return {"public": certificate.not_valid_after_utc.timestamp()}


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise OSError(f"TLS with {certificate} and {key}: {error}") from error
    return context
