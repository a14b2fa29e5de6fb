"""What `make run` and the containers start with: a base load, and limits that leave a rush hour its room beside it."""

import re
from pathlib import Path

import pytest

from deploy.local.grid import BASE_LOAD_KW, CAPACITY_KW, base_load
from runtime.settings import load
from substation.settings import Settings

ROOT = Path(__file__).parents[3]
CARS_KW = 1400  # what a rush hour needs at each of three substations
WEEKS_MS = 4 * 7 * 24 * 3_600_000


@pytest.mark.parametrize("substation_id", ["substation-1", "substation-2", "substation-3"])
def test_a_rush_hour_finds_its_room_at_any_moment_of_the_profile(substation_id: str) -> None:
    settings = load(Settings, base_load({}))
    source = settings.base_load_of(substation_id, 0)
    highest_w = max(source.watts_at(at_ms) for at_ms in range(0, WEEKS_MS, 15 * 60_000))
    assert settings.capacity_w - highest_w >= CARS_KW * 1000
    assert highest_w > 0.9 * settings.base_load_kw * 1000


def test_without_a_base_load_the_grid_is_the_one_of_cars_alone() -> None:
    assert base_load({"BASE_LOAD": "off"}) == {"BASE_LOAD": "off"}
    assert load(Settings, {"BASE_LOAD": "off"}).capacity_kw == CARS_KW


def test_what_is_set_wins() -> None:
    given = {"BASE_LOAD": "sample-2", "BASE_LOAD_KW": "50", "CAPACITY_KW": "300"}
    assert base_load(given) == given


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/swarm/stack.yml"])
def test_the_containers_start_with_the_same(file: str) -> None:
    text = (ROOT / file).read_text()
    found = dict(re.findall(r"\b(BASE_LOAD|BASE_LOAD_KW|CAPACITY_KW|DAY_STARTS_AT): \$\{\1:-([^}]*)\}", text))
    assert found == base_load({}) | {"DAY_STARTS_AT": "06:00"}
    assert (found["BASE_LOAD_KW"], found["CAPACITY_KW"]) == (BASE_LOAD_KW, CAPACITY_KW)
