"""A console that speaks TLS itself, with a certificate made for the test."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import self_signed
from tests.support.console import Console


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
def console(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[Console]:
    cert, key = certificate
    made = Console(
        tmp_path, {"CONSOLE_BIND": "0.0.0.0", "CONSOLE_TLS_CERT": str(cert), "CONSOLE_TLS_KEY": str(key)}
    )
    try:
        yield made.serves()
    finally:
        made.stop()


def test_with_a_certificate_it_serves_all_addresses_by_tls_alone(console: Console) -> None:
    assert console.ask("GET", "/api/me", console.log_in("ann")).status == 200
    assert console.ask("GET", "/livez").headers["Strict-Transport-Security"] == "max-age=31536000"
    console.tls = False
    with pytest.raises(OSError):  # noqa: PT011 - how the connection ends differs
        console.ask("GET", "/livez")
    console.tls = True
    assert console.ask("GET", "/livez").status == 200


def test_a_key_of_another_certificate_is_said_at_once(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    other = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other], check=True
    )
    made = Console(tmp_path, {"CONSOLE_TLS_CERT": str(certificate[0]), "CONSOLE_TLS_KEY": str(other)})
    assert made.process.wait(30) == 1
    assert f"admin_ui can't start: TLS with {certificate[0]}" in made.said()
    made.stop()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CONSOLE_BIND": "0.0.0.0"}, "CONSOLE_BIND=0.0.0.0 lets other machines in"),
        ({"CONSOLE_TLS_CERT": "/x"}, "CONSOLE_TLS_CERT and CONSOLE_TLS_KEY go together"),
    ],
)
def test_passwords_never_go_over_the_network_in_the_clear(
    tmp_path: Path, environ: dict[str, str], message: str
) -> None:
    made = Console(tmp_path, environ)
    assert made.process.wait(30) == 2
    assert message in made.said()
    made.stop()
