"""docs/metrics.md is what the running services serve, and labels stay closed whatever is asked of them."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from monitoring.metrics_page import IDENTITIES, PAGE, Running, families, labels, page, running
from tests.unit.docs.pages import DOCS, ROOT, rows

PARTS = ("", "_bucket", "_count", "_sum")
BUILT = re.compile(r"(?<![:\w])smartgrid_[a-z0-9_]*[a-z0-9](?![:\w])")  # not the names of recording rules
NONSENSE = (
    ("GET", "/nowhere/EV-1", None),
    ("PATCH", "/charge", None),
    ("BREW", "/charge", None),
    ("GET", "/charge/substation-1.0000000000000000", None),
    ("POST", "/charge", b"{"),
    ("GET", "/charge?vehicle_id=EV-1", None),
    ("DELETE", "/charge/" + "x" * 200, None),
    ("GET", "/%00", None),
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """What the services serve before they were used, and after."""

    async def use() -> tuple[dict[str, str], dict[str, str]]:
        async with running(tmp_path_factory.mktemp("data")) as services:
            before = await services.pages()
            await abuse(services)
            return before, await services.pages()

    return asyncio.run(use())


async def abuse(services: Running) -> None:
    """Charge cars, and ask every service for what it does not have."""
    async with aiohttp.ClientSession() as http:
        for number in range(5):
            car = {"vehicle_id": f"EV-{number}", "max_power_kw": 7 + number, "max_wait_s": number % 2}
            async with http.post(f"{services.urls['Gateway']}/charge", json=car) as answer:
                assert answer.status == 201
        for url in services.urls.values():
            for method, path, body in NONSENSE:
                async with http.request(method, url + path, data=body) as answer:
                    assert answer.status != 500


def test_the_page_is_what_the_services_serve(seen: tuple[dict[str, str], dict[str, str]]) -> None:
    assert page(seen[0]) == PAGE.read_text(encoding="utf-8"), "make docs"


def test_no_request_adds_a_series(seen: tuple[dict[str, str], dict[str, str]]) -> None:
    def series(text: str) -> set[tuple[str, str]]:
        return {(s.name, str(sorted(s.labels.items()))) for family in families(text) for s in family.samples}

    before, after = seen
    changed = {name: sorted(series(after[name]) ^ series(before[name])) for name in before}
    assert changed == {name: [] for name in before}
    assert sum(map(len, map(series, before.values()))) > 300


def test_requests_are_counted_by_handler_and_status(seen: tuple[dict[str, str], dict[str, str]]) -> None:
    counted = {
        (s.labels["handler"], s.labels["status"]): s.value
        for family in families(seen[1]["Gateway"])
        for s in family.samples
        if s.name == "smartgrid_http_requests_total"
    }
    assert counted["ChargesHandler", "2xx"] == 6  # five cars and a list
    assert counted["ChargesHandler", "4xx"] == 3  # broken JSON, and two methods that are not there
    assert counted["NotFoundHandler", "4xx"] >= 3
    assert counted["ChargesHandler", "5xx"] == 0


def test_admissions_that_asked_to_wait_are_told_apart(seen: tuple[dict[str, str], dict[str, str]]) -> None:
    name = "smartgrid_charge_request_duration_seconds_count"
    samples = [s for family in families(seen[1]["Gateway"]) for s in family.samples if s.name == name]
    assert {s.labels["kind"]: s.value for s in samples} == {"admitted": 3, "waiting": 2, "other": 1}


def test_every_label_that_is_no_identity_has_its_values_listed(
    seen: tuple[dict[str, str], dict[str, str]],
) -> None:
    table = rows(PAGE.read_text(encoding="utf-8"))
    for text in seen[1].values():
        for family in families(text):
            if family.name == "smartgrid_charge_requests_total":
                continue  # its outcomes have a table of their own
            for label, values in labels(family).items():
                assert label in IDENTITIES or all(f"`{value}`" in table[family.name][2] for value in values)


def test_each_series_exists_under_a_name_of_the_project(
    seen: tuple[dict[str, str], dict[str, str]],
) -> None:
    for text in seen[0].values():
        assert all(family.name.startswith(("smartgrid_", "process_")) for family in families(text))


def test_no_page_names_a_metric_that_does_not_exist(seen: tuple[dict[str, str], dict[str, str]]) -> None:
    known = {family.name for text in seen[0].values() for family in families(text)}
    parts = {name + ending for name in known for ending in PARTS}
    for each in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        assert set(BUILT.findall(each.read_text(encoding="utf-8"))) <= parts, each


def test_the_outcomes_have_a_row_each(seen: tuple[dict[str, str], dict[str, str]]) -> None:
    served = {
        value
        for family in families(seen[0]["Gateway"])
        if family.name == "smartgrid_charge_requests_total"
        for value in labels(family)["outcome"]
    }
    assert served <= rows(Path(PAGE).read_text(encoding="utf-8")).keys()
