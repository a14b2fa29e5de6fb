"""docs/reference/settings.md names every setting of every service with its default."""

import dataclasses
import re
from typing import Any

import pytest

import balancer.settings
import gateway.settings
import substation.settings
from runtime.process import ProcessSettings
from tests.unit.docs.pages import DOCS, ROOT, rows, sections

PAGE = DOCS / "reference" / "settings.md"
SERVICES: dict[str, Any] = {
    "every service": ProcessSettings,
    "gateway": gateway.settings.Settings,
    "balancer": balancer.settings.Settings,
    "substation": substation.settings.Settings,
}


def defaults(settings: Any) -> dict[str, str]:
    """Return every variable of a settings class with its default as the page writes it."""
    described = [field.metadata for field in dataclasses.fields(settings)]
    return {each["env"]: f"`{each['default']}`" if each["default"] else "(empty)" for each in described}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_s_table_is_its_settings_with_their_defaults(service: str) -> None:
    table = rows(sections(PAGE)[service])
    assert {name: cells[1] for name, cells in table.items()} == defaults(SERVICES[service])


def test_every_service_is_on_the_page() -> None:
    owners = {path.parent.name for path in ROOT.glob("*/settings.py")} - {"runtime"}
    assert owners <= SERVICES.keys()


def test_what_make_run_reads_on_top_is_on_the_page() -> None:
    script = (ROOT / "deploy/local/grid.py").read_text(encoding="utf-8")
    read = set(re.findall(r'environ\.get\("([A-Z_]+)"', script))
    known = {name for settings in SERVICES.values() for name in defaults(settings)}
    assert "GRID_SUBSTATIONS" in read
    assert read <= known | rows(sections(PAGE)["`make run`"]).keys()
