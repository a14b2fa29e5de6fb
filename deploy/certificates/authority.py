"""Makes an authority and issues certificates: which names they have, for how long, and for what."""

import contextlib
import dataclasses
import datetime as dt
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650.0
CLOCKS_APART = dt.timedelta(hours=1)  # a machine whose clock is behind must take a new certificate too


@dataclasses.dataclass(frozen=True)
class Issued:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority, which signs with its key."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """Both are PEM; raises ValueError for anything else."""
        self.certificate = certificate
        self._trusted = x509.load_pem_x509_certificates(certificate)
        self._certificate = self._trusted[0]
        try:
            signs = serialization.load_pem_private_key(key, password=None)
        except TypeError as error:  # it is encrypted
            raise ValueError(f"the key of the authority can't be read: {error}") from None
        if not isinstance(signs, ec.EllipticCurvePrivateKey):
            raise ValueError("the key of the authority must be one of an elliptic curve")  # noqa: TRY004 - bad input
        if signs.public_key() != self._certificate.public_key():
            raise ValueError(
                "the key of the authority does not belong to the first certificate in its ca.pem"
            )
        self._key = signs

    @classmethod
    def made(cls, now: dt.datetime, days: float = AUTHORITY_DAYS) -> tuple["Authority", bytes]:
        """Return a new authority, and its key as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smart-grid authority")])
        public = key.public_key()
        signs = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder(name, name, public, x509.random_serial_number())
            .not_valid_before(now - CLOCKS_APART)
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        pem = _pem(key)
        made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return cls(made, pem), pem

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate was issued by this authority, or by a former one that is still trusted."""
        for each in self._trusted:
            with contextlib.suppress(ValueError, TypeError, InvalidSignature):
                certificate.verify_directly_issued_by(each)
                return True
        return False

    def issue(
        self, title: str, uris: Sequence[str], hosts: Sequence[str], until: dt.datetime, begin: dt.datetime
    ) -> Issued:
        """Return a new certificate for both ends of a connection.

        `title` is for people. `uris` and `hosts` are what it proves: identities, and names or addresses.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        names = [*map(x509.UniformResourceIdentifier, uris), *map(_host, hosts)]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        builder = (
            x509.CertificateBuilder(self._certificate.subject, subject, public, x509.random_serial_number())
            .not_valid_before(begin - CLOCKS_APART)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(signer, critical=False)
        )
        made = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return Issued(made, _pem(key))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
