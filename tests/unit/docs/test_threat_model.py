"""docs/explanation/threat-model.md has every listener, route and method of the services, and who may call it."""

import asyncio

import pytest
from tornado.web import Application

from monitoring.routes_page import PAGE, Listener, endpoints, filled, listeners, tables
from runtime.handlers import ApiHandler
from runtime.tls.identity import Role

SERVICES = {Role.GATEWAY, Role.BALANCER, Role.SUBSTATION, Role.CONSOLE}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Listener]:
    return asyncio.run(listeners(tmp_path_factory.mktemp("data")))


def test_the_page_has_the_routes_of_the_services(found: list[Listener]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, tables(found)) == page, "make docs"


def test_every_service_has_its_listeners(found: list[Listener]) -> None:
    assert {each.service for each in found if each.app} == SERVICES
    assert [each.service for each in found if not each.app] == [Role.BALANCER, Role.SUBSTATION]
    asks_for_no_certificate = [each.service for each in found if each.app and not each.gate.guard]
    assert asks_for_no_certificate == [Role.GATEWAY, Role.CONSOLE]


def test_a_change_at_a_service_needs_the_token_or_is_not_there(found: list[Listener]) -> None:
    changing = {
        (each.service, one.pattern)
        for each in found
        if each.app and each.gate.guard
        for one in endpoints(each.app)
        if one.method not in {"GET", "HEAD"} and not each.gate.token
    }
    assert changing == {(Role.GATEWAY, "/charge/([^/]{1,128})")}  # needs an API key where they are required


class OtherHandler(ApiHandler):
    def patch(self) -> None:
        """A method that nothing else has."""


def test_a_new_route_is_a_new_row(found: list[Listener]) -> None:
    (balancer,) = [each for each in found if each.app and each.service is Role.BALANCER]
    other = Listener(Role.BALANCER, Application([("/other", OtherHandler)]), balancer.gate)
    row = "| PATCH | `/other` | whoever has the operator token, where one is set | console, operator with the token |"
    assert row in tables([other])
