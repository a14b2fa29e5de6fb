"""A service that takes orders does not let other machines give them unasked."""

from typing import Any

import pytest

from balancer.settings import Settings as Balancer
from runtime.settings import SettingsError, host_names, load
from substation.settings import Settings as Substation

SERVICES = [Balancer, Substation]


@pytest.mark.parametrize("settings", SERVICES)
@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.2", "128.0.0.1"])
def test_orders_of_other_machines_want_a_token_or_a_word_that_they_don_t(settings: Any, bind: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(settings, {"BIND": bind, "ALLOW_ANONYMOUS": "1"})  # the gateway's word is not this one's
    (fault,) = caught.value.faults
    assert fault.startswith(f"OPERATOR_TOKEN_FILE is not set, and BIND={bind} ")
    assert "ALLOW_UNAUTHENTICATED_ORDERS=1" in fault
    load(settings, {"BIND": bind, "OPERATOR_TOKEN_FILE": "token"})
    load(settings, {"BIND": bind, "ALLOW_UNAUTHENTICATED_ORDERS": "1"})


@pytest.mark.parametrize("settings", SERVICES)
@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.2", "::1"])
def test_on_loopback_neither_is_wanted(settings: Any, bind: str) -> None:
    load(settings, {"BIND": bind})


@pytest.mark.parametrize("settings", SERVICES)
def test_a_token_and_none_is_a_contradiction(settings: Any) -> None:
    both = {"OPERATOR_TOKEN_FILE": "token", "ALLOW_UNAUTHENTICATED_ORDERS": "1"}
    with pytest.raises(SettingsError, match="contradict each other"):
        load(settings, both)


def test_names_of_hosts_are_read_without_ports_and_in_lower_case() -> None:
    assert host_names("") == ()
    assert host_names("Grid.Example, tasks.gateway,,x.") == ("grid.example", "tasks.gateway", "x")
    for wrong in ("grid.example:8000", "http://grid.example", "*", "a b", "-a", "é.example"):
        with pytest.raises(ValueError, match="is not a host name"):
            host_names(wrong)
