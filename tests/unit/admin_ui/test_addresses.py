"""Where browsers reach the console, by its settings."""

import pytest

from admin_ui.settings import Settings
from runtime.settings import load


@pytest.mark.parametrize(
    ("environ", "url", "pages_url"),
    [
        ({}, "http://127.0.0.1:8080", ""),
        ({"CONSOLE_PATH": "/grid"}, "http://127.0.0.1:8080/grid", "/grid"),
        (
            {"CONSOLE_BIND": "0.0.0.0", "PUBLISHED_ON": "127.0.0.1", "PORT_PUBLISHED": "9090"},
            "http://127.0.0.1:9090",
            "http://127.0.0.1:9090",
        ),
        (
            {"CONSOLE_URL": "https://x.example/grid", "CONSOLE_PATH": "/grid", "BEHIND_TLS_PROXY": "1"},
            "http://127.0.0.1:8080/grid",
            "https://x.example/grid",
        ),
    ],
)
def test_links_in_messages_are_whole_where_the_address_is_known(
    environ: dict[str, str], url: str, pages_url: str
) -> None:
    settings = load(Settings, environ)
    assert (settings.url, settings.pages_url) == (url, pages_url)
