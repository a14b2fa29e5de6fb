"""Which settings of a gateway can't be used together."""

import pytest

from gateway.settings import Settings
from runtime.settings import SettingsError, load


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"BIND": "127.0.0.2"},
        {"BIND": "::1"},
        {"API_KEYS": "keys"},
        {"ALLOW_ANONYMOUS": "1"},
        {"BIND": "0.0.0.0", "PUBLISHED_ON": "127.0.0.1"},
        {"BIND": "0.0.0.0", "API_KEYS": "keys"},
        {"BIND": "0.0.0.0", "ALLOW_ANONYMOUS": "1"},
        {"GATEWAY_PORT": "8000", "GATEWAY_MONITOR_PORT": "8011"},
    ],
)
def test_these_go_together(environ: dict[str, str]) -> None:
    load(Settings, environ)


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.2", "128.0.0.1"])
def test_other_machines_are_not_let_in_without_keys_unless_that_is_said(bind: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"BIND": bind})
    (fault,) = caught.value.faults
    assert f"BIND={bind}" in fault
    assert fault.startswith("API_KEYS is not set")
    assert "ALLOW_ANONYMOUS=1" in fault


@pytest.mark.parametrize("bind", ["0.0.0.0", "127.0.0.1"])
def test_where_a_container_is_published_decides_wherever_it_listens(bind: str) -> None:
    with pytest.raises(SettingsError, match=r"PUBLISHED_ON=192\.0\.2\.7 lets other machines in"):
        load(Settings, {"BIND": bind, "PUBLISHED_ON": "192.0.2.7"})


def test_asking_for_keys_and_for_none_is_a_contradiction() -> None:
    with pytest.raises(SettingsError, match="API_KEYS and ALLOW_ANONYMOUS=1 contradict"):
        load(Settings, {"API_KEYS": "keys", "ALLOW_ANONYMOUS": "1"})


@pytest.mark.parametrize("port", ["0", "8011"])
def test_a_shared_port_is_known_and_not_that_of_the_metrics(port: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_MONITOR_PORT needs a GATEWAY_PORT that is another port"):
        load(Settings, {"GATEWAY_PORT": port, "GATEWAY_MONITOR_PORT": "8011"})


@pytest.mark.parametrize(
    "text", ["a:9001", "a:9001, b:9001", "dns://balancers:9001", "[::1]:9001,dns://b.c-d:1", "127.0.0.1:1"]
)
def test_one_balancer_several_and_names_are_accepted(text: str) -> None:
    assert load(Settings, {"BALANCER": text}).balancers == tuple(part.strip() for part in text.split(","))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a", "'a' is not of the form host:port"),
        ("http://a:9001", "'http://a:9001' is not of the form host:port"),
        ("a:9001,a:9001", "one or more different"),
        (",", "one or more different"),
        ("dns://a", "'dns://a' is not of the form dns://name:port"),
        ("a:9001,dns://a:99999", "'dns://a:99999' is not of the form dns://name:port"),
        ("a:99999", "'a:99999' is not of the form host:port"),
    ],
)
def test_what_is_wrong_with_a_list_of_balancers_is_said(text: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"BALANCER": text})
    (fault,) = caught.value.faults
    assert why in fault
