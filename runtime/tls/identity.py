"""Who a certificate names: a role of the grid and, for a substation, its id.

Pure.

A certificate of the grid has exactly one URI among its alternative names, in the form of a SPIFFE ID:
`spiffe://smart-grid/gateway`, or `spiffe://smart-grid/substation/substation-1`. A host name would not do: replicas have
addresses that nobody knows before they start, and a role is what decides what a caller may do (docs/adr/0052).
"""

import dataclasses
import enum
import re
from collections.abc import Iterable, Mapping
from typing import Any

TRUST_DOMAIN = "spiffe://smart-grid/"
PATH = re.compile(r"([a-z]+)(?:/([a-z0-9][a-z0-9-]{0,62}))?")


class Role(enum.StrEnum):
    """What a process of the grid, or a person at a terminal, is."""

    GATEWAY = "gateway"
    BALANCER = "balancer"
    SUBSTATION = "substation"
    CONSOLE = "console"
    PROMETHEUS = "prometheus"
    OPERATOR = "operator"  # a person: the load test, curl


class NoIdentity(ValueError):
    """A certificate names nobody of the grid; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate names. `name` is a substation's id, '' for every other role."""

    role: Role
    name: str = ""

    @property
    def uri(self) -> str:
        """The SPIFFE ID, as it stands in the certificate."""
        return f"{TRUST_DOMAIN}{self.role}/{self.name}" if self.name else TRUST_DOMAIN + self.role

    def __str__(self) -> str:
        return self.name or f"{self.role}"


def identity_of(uris: Iterable[str]) -> Identity:
    """Return who the URIs of a certificate name.

    Raises NoIdentity unless there is exactly one URI, with a role of the grid, and a name where the role has names.
    """
    found = list(uris)
    if len(found) != 1:
        raise NoIdentity(f"the certificate has {len(found)} URIs among its names: exactly one is accepted")
    parts = PATH.fullmatch(found[0].removeprefix(TRUST_DOMAIN)) if found[0].startswith(TRUST_DOMAIN) else None
    if not parts or parts[1] not in set(Role):
        raise NoIdentity(f"{found[0][:200]!r} is no role of this grid, such as {Identity(Role.GATEWAY).uri}")
    role, name = Role(parts[1]), parts[2] or ""
    if bool(name) != (role is Role.SUBSTATION):
        raise NoIdentity(f"{found[0][:200]!r}: a substation has a name, and no other role has one")
    return Identity(role, name)


def of_peer(certificate: Mapping[str, Any] | None) -> Identity:
    """Return who the other end of a connection is, by what Python's `getpeercert()` returns; raises NoIdentity."""
    if not certificate:
        raise NoIdentity("the other end has shown no certificate")
    return identity_of(value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI")
