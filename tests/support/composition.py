"""docker-compose.yml as Docker reads it: with variables replaced and merges resolved."""

import copy
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")


def interpolated(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the text with each `${NAME:-default}` put in; this project uses no other form."""
    return VARIABLE.sub(lambda found: (environ or {}).get(found[1]) or found[2], text)


def services(environ: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Return every service of the composition."""
    return {name: dict(each) for name, each in whole(environ)["services"].items()}


def whole(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the composition; it is the caller's own."""
    return copy.deepcopy(_parsed(interpolated(COMPOSE_FILE.read_text(encoding="utf-8"), environ)))


@functools.cache
def _parsed(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def ours(environ: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the services that run from this project's image."""
    return {name: each for name, each in services(environ).items() if each["image"].startswith("smart-grid")}


def published(service: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return (address, port on the machine, port in the container) of all ports."""
    found = []
    for text in service.get("ports", []):
        address, outside, inside = text.rsplit(":", 2)
        found.append((address, int(outside), int(inside)))
    return found
