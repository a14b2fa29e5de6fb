"""HISTORY: one base URL of a Prometheus, or none."""

import subprocess
import sys

import pytest

from balancer.settings import Settings
from runtime.settings import SettingsError, load


def test_it_is_one_base_url_or_none() -> None:
    assert load(Settings, {}).history == ""
    assert load(Settings, {"HISTORY": "http://prometheus:9090/"}).history == "http://prometheus:9090"


@pytest.mark.parametrize(
    "given",
    ["prometheus:9090", "ftp://host:1", "http://host:1/api/v1", "http://a:1,http://b:1", "http://host:0"],
)
def test_anything_else_is_named_with_what_is_accepted(given: str) -> None:
    with pytest.raises(SettingsError, match=r"HISTORY=.*http://host:port"):
        load(Settings, {"HISTORY": given})


def test_a_balancer_starts_without_the_http_client_that_only_this_needs() -> None:
    code = "import sys, balancer.app; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
