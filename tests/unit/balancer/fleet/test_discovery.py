"""Names and lists of addresses: who is watched, and what a failing look-up changes (nothing)."""

import logging
import socket
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from balancer.fleet.addresses import Addresses
from balancer.fleet.discovery import Discovery, Sources
from balancer.metrics import BalancerMetrics
from balancer.settings import Settings
from runtime.name_lookup import looked_up, resolve
from runtime.settings import SettingsError, load

NAME = "dns://substations:8101"
OTHER = "dns://others:8101"
LISTED = "http://127.0.0.1:8101"


def entry(address: str, port: int) -> tuple[Any, ...]:
    """An address as getaddrinfo gives it."""
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


class AddressRecorder:
    """A poller that only keeps the addresses."""

    def __init__(self) -> None:
        self.urls: set[str] = set()
        self.watches = 0

    def watch(self, url: str) -> None:
        assert url not in self.urls
        self.urls.add(url)
        self.watches += 1

    def unwatch(self, url: str) -> None:
        self.urls.remove(url)


class Names:
    """A discovery over names whose addresses a test sets; None is a look-up that fails."""

    def __init__(self, *sources: str) -> None:
        self.addresses: dict[str, list[str] | None] = {"substations": [], "others": []}
        self.poller = AddressRecorder()
        self.known = Addresses()
        self.registry = CollectorRegistry()
        self.discovery = Discovery(
            self.known, self.poller, BalancerMetrics(self.registry), Sources(sources, 60.0), self._resolve
        )

    async def _resolve(self, name: str, port: int) -> list[tuple[Any, ...]]:
        addresses = self.addresses[name]
        if addresses is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [entry(address, port) for address in addresses]

    async def look_up(self, *addresses: str, source: str = NAME) -> set[str]:
        """Return what is watched once the name has these addresses."""
        name = source.removeprefix("dns://").partition(":")[0]
        self.addresses[name] = list(addresses)
        await self.discovery.look_up(source)
        return self.poller.urls

    def resolutions(self, outcome: str) -> float | None:
        return self.registry.get_sample_value("smartgrid_balancer_resolutions_total", {"outcome": outcome})


@pytest.mark.gen_test
async def test_every_address_of_a_name_is_watched_and_what_vanishes_is_not() -> None:
    names = Names(NAME)
    assert await names.look_up("10.0.0.1", "fd00::1") == {"http://10.0.0.1:8101", "http://[fd00::1]:8101"}
    assert await names.look_up("10.0.0.1", "10.0.0.2") == {"http://10.0.0.1:8101", "http://10.0.0.2:8101"}
    assert names.poller.watches == 3  # who stays is not watched anew
    assert names.resolutions("ok") == 2


@pytest.mark.gen_test
async def test_a_look_up_that_fails_keeps_what_is_known_and_says_so_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = Names(NAME)
    await names.look_up("10.0.0.1")
    with caplog.at_level(logging.WARNING, logger="balancer.fleet.discovery"):
        for _ in range(3):
            names.addresses["substations"] = None
            await names.discovery.look_up(NAME)
        assert await names.look_up() == {"http://10.0.0.1:8101"}  # no address at all is a failure too
    assert len(caplog.records) == 1
    assert names.resolutions("failed") == 4


@pytest.mark.gen_test
async def test_what_is_listed_is_watched_whatever_names_say() -> None:
    names = Names(LISTED, NAME, OTHER)
    names.discovery.start()
    assert names.poller.urls == {LISTED}
    assert await names.look_up("127.0.0.1") == {LISTED}
    assert await names.look_up("10.0.0.9") == {LISTED, "http://10.0.0.9:8101"}
    assert await names.look_up("10.0.0.9", source=OTHER) == {LISTED, "http://10.0.0.9:8101"}
    assert await names.look_up("10.0.0.8") == {LISTED, "http://10.0.0.8:8101", "http://10.0.0.9:8101"}
    await names.discovery.close()


@pytest.mark.gen_test
async def test_a_name_is_unresolved_until_it_has_an_address() -> None:
    names = Names(NAME, OTHER)
    names.addresses = {"substations": None, "others": None}
    names.discovery.start()
    assert names.known.unseen() == [OTHER, NAME]
    await names.look_up("10.0.0.1")
    assert names.known.unseen() == [OTHER]
    await names.discovery.close()


@pytest.mark.gen_test
async def test_an_address_that_holds_on_one_link_only_is_left_out() -> None:
    assert await Names(NAME).look_up("fe80::1%eth0", "10.0.0.1") == {"http://10.0.0.1:8101"}


@pytest.mark.gen_test
async def test_localhost_is_resolved_for_real() -> None:
    found = {f"http://{each}" for each in await looked_up("dns://localhost:8101", resolve)}
    assert found & {"http://127.0.0.1:8101", "http://[::1]:8101"}


@pytest.mark.parametrize(
    "text",
    [LISTED, NAME, f"{LISTED}, {NAME} ,dns://a.b-c_d:1", "dns://substations:8101/", "http://[::1]:8101"],
)
def test_lists_and_names_are_accepted(text: str) -> None:
    expected = tuple(part.strip().rstrip("/") for part in text.split(","))
    assert load(Settings, {"SUBSTATIONS": text}).substations == expected


@pytest.mark.parametrize(
    "text",
    [
        "dns://substations",
        "dns://substations:0",
        "dns://substations:65536",
        "dns://:8101",
        "dns://a:1/path",
        "dns://a@b:1",
        "dns://[::1]:8101",
        "https://a:1",
        "substations:8101",
        f"{NAME},{NAME}",
        ",",
    ],
)
def test_what_is_neither_is_named_as_a_fault(text: str) -> None:
    with pytest.raises(SettingsError, match="SUBSTATIONS"):
        load(Settings, {"SUBSTATIONS": text})
