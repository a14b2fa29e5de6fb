"""The audit finds what is known of locked versions, and never says that all is well when it has checked nothing."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tests.supply.audit import known, locked, main

TORNADO = {"tornado": Version("6.6.1")}


def advisory(**affected: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "Tornado"}
    return {"id": "GHSA-made-up", "affected": [{"package": package, **affected}]}


def ranged(*events: dict[str, str]) -> dict[str, Any]:
    return advisory(ranges=[{"type": "ECOSYSTEM", "events": list(events)}])


@pytest.mark.parametrize(
    ("given", "is_known"),
    [
        (ranged({"introduced": "0"}), True),
        (ranged({"introduced": "0"}, {"fixed": "6.6.1"}), False),
        (ranged({"introduced": "0"}, {"fixed": "6.6.2"}), True),
        (ranged({"introduced": "6.6.2"}), False),
        (ranged({"introduced": "0"}, {"last_affected": "6.6.1"}), True),
        (ranged({"introduced": "0"}, {"last_affected": "6.6.0"}), False),
        (ranged({"introduced": "0"}, {"fixed": "5.0"}, {"introduced": "6.0"}, {"fixed": "6.10"}), True),
        (advisory(versions=["6.6.0", "6.6.1"]), True),
        (advisory(versions=["6.6.0", "nonsense"]), False),
        (advisory(versions=["6.6.1"]) | {"withdrawn": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_an_advisory_is_of_the_versions_that_it_names(given: dict[str, Any], *, is_known: bool) -> None:
    assert known(given, TORNADO) == (["tornado"] if is_known else [])


def test_every_locked_dependency_is_looked_at() -> None:
    assert {"tornado", "aiohttp", "protobuf", "cryptography"} <= locked().keys()


def test_what_is_known_is_told_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "all.zip"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("GHSA-made-up.json", json.dumps(ranged({"introduced": "0"}) | {"summary": "a flaw"}))
    assert main([str(file)]) == 1
    assert f"tornado {locked()['tornado']}: GHSA-made-up a flaw" in capsys.readouterr().out


def test_without_a_vulnerability_it_says_against_how_much_was_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.json").write_text(json.dumps(advisory(versions=["0.1"])))
    assert main([str(tmp_path)]) == 0
    assert (
        capsys.readouterr().out
        == f"{len(locked())} locked dependencies, 1 advisories, 0 known vulnerabilities\n"
    )


@pytest.mark.parametrize("given", ["", "not-there", "empty", "text"])
def test_nothing_checked_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no advisories")
    assert main([str(tmp_path / given) if given else ""]) == 2
    assert "Nothing was checked" in capsys.readouterr().err
