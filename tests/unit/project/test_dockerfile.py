"""The Dockerfile and .dockerignore: one image, small and shut in; `make compose-test` looks at the image itself."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support.composition import ROOT, VARIABLE, ours
from tests.unit.docs.pages import DOCS
from tests.unit.project.test_budgets import SERVICES

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
HADOLINT = Path(sys.executable).parent / "hadolint"
RESULT = DOCKERFILE.rpartition("\nFROM ")[2]


def copied() -> set[str]:
    """Return what is copied from the build's context."""
    return {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE)
        for source in line.split()[:-1]
    }


def test_hadolint_has_nothing_to_say() -> None:
    found = subprocess.run(
        [HADOLINT, "--no-color", "-"],
        input=DOCKERFILE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")
    root = subprocess.run(
        [HADOLINT, "-"], input="FROM debian\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert root.returncode != 0  # it does look


def test_the_build_gets_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in IGNORED if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied()
    assert all((ROOT / path).exists() for path in copied())
    assert "**/__pycache__" in lines


def test_every_service_is_copied_to_where_it_runs() -> None:
    assert set(SERVICES) <= copied()
    for service in SERVICES:
        assert f"COPY {service} /app/{service}\n" in DOCKERFILE
    assert "COPY --from=build /app /app\n" in RESULT
    assert "WORKDIR /app\n" in RESULT


def test_the_result_starts_anew_from_the_base_as_somebody_without_rights() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert set(bases) == {"python:3.11-slim-bookworm"}
    assert len(bases) == 2
    user = re.search(r"^USER (\d+):(\d+)$", RESULT, flags=re.MULTILINE)
    assert user
    assert min(int(user[1]), int(user[2])) >= 10_000  # not one of the machine's own
    assert "pip install" not in RESULT
    assert "apt-get" not in RESULT


def test_dependencies_are_locked_with_hashes() -> None:
    assert "--require-hashes -r /tmp/runtime.lock" in DOCKERFILE
    assert "requirements/runtime.lock" in copied()


def test_the_version_is_the_project_s() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in RESULT
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert dict(VARIABLE.findall(text))["GRID_VERSION"] == version
    assert {each["image"] for each in ours().values()} == {f"smart-grid:{version}"}


def test_what_the_console_shows_of_the_documentation_is_in_the_image() -> None:
    assert f"COPY docs/{(DOCS / 'runbooks').name} /app/docs/runbooks\n" in DOCKERFILE
