"""Who may call: the lines of a key file, the header, and what is whose."""

import contextlib
import hashlib
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.callers import ANONYMOUS, Caller, UnusableKeys, digest, presented, read

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True).filter(lambda name: name != "anonymous")
KEYS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=60)
A, B = digest("key-a"), digest("key-b")


def test_a_file_is_its_callers_by_the_digests_of_their_keys() -> None:
    text = f"# who may call\n\nacme {A}  # since March\n  bolt-2\t{B} 600\r\n"
    assert read(text) == {A: Caller("acme"), B: Caller("bolt-2", 600)}


@pytest.mark.parametrize(("line", "per_minute"), [(f"desk {A} operator", 0), (f"desk {A} 60 operator", 60)])
def test_an_operator_reaches_the_sessions_of_every_caller_and_any_other_caller_its_own(
    line: str, per_minute: int
) -> None:
    found = read(f"{line}\noperator {B}")
    assert found == {A: Caller("desk", per_minute, operator=True), B: Caller("operator")}
    assert [found[A].reach, found[B].reach] == ["", "operator"]


def test_a_digest_is_the_sha256_of_the_key() -> None:
    assert digest("key-a") == hashlib.sha256(b"key-a").hexdigest()


def test_a_caller_may_have_several_keys() -> None:
    assert read(f"acme {A} 60\nacme {B} 60") == {A: Caller("acme", 60), B: Caller("acme", 60)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("acme", "it must be"),
        (f"acme {A} 60 more", "it must be"),
        (f"acme {A} operator 60", "it must be"),
        ("acme operator", "the sha256"),
        (f"Acme {A}", "a caller is"),
        (f"a:b {A}", "a caller is"),
        (f"{'a' * 64} {A}", "a caller is"),
        (f"anonymous {A}", "a caller is"),
        (f"acme {A[:-1]}", "the sha256"),
        (f"acme {A.upper()}", "the sha256"),
        (f"acme {A} 0", "requests a minute"),
        (f"acme {A} 6000001", "requests a minute"),
        (f"acme {A} many", "requests a minute"),
        (f"acme {A} -1", "requests a minute"),
    ],
)
def test_a_line_that_is_wrong_is_named_by_its_number(line: str, said: str) -> None:
    with pytest.raises(UnusableKeys) as caught:
        read(f"good {B}\n\n{line}\n{line}")
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["line 3", "line 4"]
    assert said in caught.value.faults[0]
    assert A not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no key"),
        ("# nothing yet\n", "no key"),
        (f"acme {A}\nbolt {A}", "line 2: this key came before"),
        (f"acme {A}\nacme {B} 60", "line 2: acme came before with another quota"),
    ],
)
def test_lines_that_contradict_each_other_and_a_file_without_keys_are_unusable(text: str, said: str) -> None:
    with pytest.raises(UnusableKeys, match=said):
        read(text)


@given(text=st.text())
def test_any_text_is_callers_or_unusable(text: str) -> None:
    with contextlib.suppress(UnusableKeys):
        assert read(text)


@given(key=KEYS, padding=st.sampled_from(["", "=", "=="]))
def test_a_key_comes_as_a_bearer_token(key: str, padding: str) -> None:
    for scheme in ("Bearer ", "bearer  ", "BEARER "):
        assert presented([f"{scheme}{key}{padding}"]) == key + padding


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["Bearer a", "Bearer a"],
        [""],
        ["Bearer"],
        ["Bearer "],
        ["Basic YTpi"],
        ["key"],
        ["Bearer a b"],
        ["Bearer a, Bearer b"],
        ["Bearer ä"],
        [f"Bearer {'x' * 257}"],
        ["Bearer a\n"[:-1] + "\u2028b"],
    ],
)
def test_anything_else_is_no_key(values: list[str]) -> None:
    assert presented(values) is None


@given(one=NAMES, other=NAMES, own=st.text(), theirs=st.text())
def test_no_two_callers_share_a_key_or_a_vehicle(one: str, other: str, own: str, theirs: str) -> None:
    assume(one != other)
    assert Caller(one).key(own) != Caller(other).key(theirs)
    assert Caller(one).vehicle(own) != Caller(other).vehicle(theirs)
    assert Caller(one).key(own) != ANONYMOUS.key(theirs)


@given(name=NAMES, vehicle_id=st.text())
def test_a_caller_sees_its_vehicles_under_their_own_names(name: str, vehicle_id: str) -> None:
    for caller in (Caller(name), ANONYMOUS):
        assert caller.shown(caller.vehicle(vehicle_id)) == vehicle_id
    assert ANONYMOUS.vehicle(vehicle_id) == vehicle_id
