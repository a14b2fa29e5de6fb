"""Who a certificate names, and what each role may call."""

import re

import pytest

from runtime.tls.identity import Identity, NoIdentity, Role, identity_of, of_peer
from runtime.tls.permissions import ITSELF, RULES, Permissions
from tests.unit.docs.pages import DOCS, sections

BALANCER, GATEWAY, CONSOLE = (Identity(role) for role in (Role.BALANCER, Role.GATEWAY, Role.CONSOLE))
OPERATOR, PROMETHEUS = Identity(Role.OPERATOR), Identity(Role.PROMETHEUS)
FIRST, SECOND = (Identity(Role.SUBSTATION, f"substation-{number}") for number in (1, 2))
EVERYBODY = (BALANCER, GATEWAY, CONSOLE, OPERATOR, PROMETHEUS, FIRST, SECOND)


@pytest.mark.parametrize("identity", EVERYBODY, ids=str)
def test_an_identity_is_read_from_its_uri(identity: Identity) -> None:
    assert identity_of([identity.uri]) == identity
    names = (("DNS", "anybody"), ("URI", identity.uri), ("IP Address", "127.0.0.1"))
    assert of_peer({"subjectAltName": names}) == identity


@pytest.mark.parametrize(
    ("uris", "why"),
    [
        ([], "0 URIs"),
        ([GATEWAY.uri, BALANCER.uri], "2 URIs"),
        (["spiffe://another-grid/gateway"], "no role of this grid"),
        (["https://smart-grid/gateway"], "no role of this grid"),
        (["spiffe://smart-grid/janitor"], "no role of this grid"),
        (["spiffe://smart-grid/gateway/"], "no role of this grid"),
        (["spiffe://smart-grid/Gateway"], "no role of this grid"),
        (["spiffe://smart-grid/substation/a/b"], "no role of this grid"),
        (["spiffe://smart-grid/substation/../balancer"], "no role of this grid"),
        (["spiffe://smart-grid/substation"], "a substation has a name"),
        (["spiffe://smart-grid/balancer/substation-1"], "no other role has one"),
    ],
)
def test_anything_else_names_nobody(uris: list[str], why: str) -> None:
    with pytest.raises(NoIdentity, match=why):
        identity_of(uris)


def test_a_peer_without_a_certificate_is_nobody() -> None:
    with pytest.raises(NoIdentity, match="shown no certificate"):
        of_peer(None)


def allowed(own: Identity, method: str, path: str) -> set[str]:
    """Return who may send a request to a listener."""
    return {str(each) for each in EVERYBODY if not Permissions(own).refusal(each, method, path)}


PEOPLE = {"console", "operator"}


@pytest.mark.parametrize(
    ("own", "call", "expected"),
    [
        (BALANCER, "GET /fleet", PEOPLE | {"balancer"}),
        (BALANCER, "GET /fleet/stream", PEOPLE | {"balancer"}),
        (BALANCER, "GET /decisions", PEOPLE | {"balancer"}),
        (BALANCER, "POST /fleet/substation-1/drain", PEOPLE),
        (BALANCER, "PUT /policy", PEOPLE),
        (BALANCER, "DELETE /rushhour/run-1", PEOPLE),
        (BALANCER, "POST /backup", PEOPLE | {"balancer"}),
        (BALANCER, "GET /metrics", PEOPLE | {"balancer", "prometheus"}),
        (BALANCER, "TRACE /fleet", set()),
        (FIRST, "GET /metrics", PEOPLE | {"substation-1", "balancer", "prometheus"}),
        (FIRST, "GET /livez", PEOPLE | {"substation-1", "substation-2", "prometheus"}),
        (FIRST, "GET /sessions", PEOPLE | {"substation-1"}),
        (FIRST, "POST /backup", PEOPLE | {"substation-1"}),
        (FIRST, "PUT /base-load", PEOPLE),
        (GATEWAY, "GET /metrics", PEOPLE | {"gateway", "prometheus"}),
        (GATEWAY, "GET /charge", PEOPLE),
        (GATEWAY, "DELETE /charge/substation-1.00", PEOPLE),
        (GATEWAY, "POST /charge", set()),
        (CONSOLE, "GET /metrics", PEOPLE | {"prometheus"}),
        (CONSOLE, "GET /", set()),
    ],
)
def test_a_listener_allows_a_request_to_these_callers_alone(
    own: Identity, call: str, expected: set[str]
) -> None:
    assert allowed(own, *call.split()) == expected


def test_streams_are_for_the_service_above_alone() -> None:
    for own, caller in ((BALANCER, GATEWAY), (FIRST, BALANCER)):
        admitted = {each for each in EVERYBODY if not Permissions(own).stream_refusal(each)}
        assert admitted == {caller}
        assert "does not allow a stream at" in Permissions(own).stream_refusal(PROMETHEUS)
    assert all(Permissions(CONSOLE).stream_refusal(each) for each in EVERYBODY)


def test_a_request_can_not_pass_for_a_stream() -> None:
    assert Permissions(BALANCER).refusal(GATEWAY, "stream", "/fleet")
    assert Permissions(BALANCER).refusal(GATEWAY, "GET", "stream")


def test_a_refusal_says_who_and_what_and_where() -> None:
    refusal = Permissions(FIRST).refusal(SECOND, "GET", "/sessions")
    assert refusal == "the certificate of substation-2 does not allow GET /sessions at substation-1"


def test_the_guide_names_for_each_listener_those_who_may_call_it() -> None:
    written: dict[str, set[str]] = {}
    listener = ""
    for line in sections(DOCS / "how-to" / "encrypt-the-grid.md")["who may do what"].splitlines():
        if (
            line.startswith("| ")
            and (cells := [cell.strip() for cell in line.strip("|").split("|")])[1] != "caller"
        ):
            listener = cells[0].partition(",")[0] or listener
            written.setdefault(listener, set()).update(re.findall(r"`([a-z]+)`", cells[1]))
    for role, rules in RULES.items():
        callers = {str(caller) for rule in rules for caller in rule.callers}
        assert written[role] == callers - {ITSELF, *({"substation"} if role is Role.SUBSTATION else ())}


def test_every_listener_that_asks_for_certificates_is_in_the_table() -> None:
    assert RULES.keys() == {Role.BALANCER, Role.SUBSTATION, Role.GATEWAY, Role.CONSOLE}
