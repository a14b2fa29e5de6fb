"""A service whose certificate nobody in its grid would accept does not start, and says why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.tls.identity import Role
from tests.support import template
from tests.support.authority import Files, TestAuthority
from tests.support.console import INHERITED
from tests.support.grid import LIMIT_S
from tests.support.processes import ROOT

ROLES = {
    "gateway": Role.GATEWAY,
    "balancer": Role.BALANCER,
    "substation": Role.SUBSTATION,
    "admin_ui": Role.CONSOLE,
}
PORTS = (
    "GATEWAY_PORT",
    "BALANCER_PORT",
    "BALANCER_STREAM_PORT",
    "SUBSTATION_PORT",
    "SUBSTATION_STREAM_PORT",
    "CONSOLE_PORT",
)


def started(service: str, folder: Path, files: Files) -> "subprocess.CompletedProcess[str]":
    """Start a service with these files, and wait for its end."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    settings = {
        "DATA_DIR": str(folder),
        "SUBSTATION_ID": "substation-1",
        "BALANCER_URL": "https://127.0.0.1:1",
        "GATEWAY_URL": "http://127.0.0.1:1",
        "SUBSTATIONS": "https://127.0.0.1:1",
        **dict.fromkeys(PORTS, "0"),
    }
    return template.run(
        [sys.executable, "-m", service],
        cwd=ROOT,
        env=inherited | settings | files.environ(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


@pytest.mark.parametrize("service", ROLES)
def test_a_certificate_of_another_authority_stops_the_start(service: str, tmp_path: Path) -> None:
    grid, other = TestAuthority(tmp_path / "grid"), TestAuthority(tmp_path / "other")
    files = other.files(ROLES[service], "substation-1" if service == "substation" else "")
    ended = started(service, tmp_path, Files(grid.ca, files.certificate, files.key))
    assert ended.returncode == 1
    assert f"{service} can't start: TLS_CERT={files.certificate} is refused by whoever trusts" in ended.stderr
    assert "unable to get local issuer certificate" in ended.stderr


@pytest.mark.parametrize("service", ROLES)
def test_the_key_of_another_certificate_stops_the_start(service: str, tmp_path: Path) -> None:
    grid = TestAuthority(tmp_path / "grid")
    files = grid.files(ROLES[service], "substation-1" if service == "substation" else "")
    other = grid.files(Role.OPERATOR)
    ended = started(service, tmp_path, Files(grid.ca, files.certificate, other.key))
    assert ended.returncode == 1
    assert "TLS_CA, TLS_CERT and TLS_KEY can't be used together" in ended.stderr
    assert "key values mismatch" in ended.stderr
