"""The secrets of the composition, in folders in place of its volumes: what is made, kept, and made to fit again."""

import stat
from pathlib import Path

import pytest

from deploy.compose import setup
from runtime.operator_token import OperatorToken

VOLUMES = ("authority", "balancer", "gateway", "console", "operator", "prometheus", "substations")


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("data", "secrets", *(f"tls/{volume}" for volume in VOLUMES)):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(setup, "DATA", tmp_path / "data")
    monkeypatch.setattr(setup, "SECRETS", tmp_path / "secrets")
    monkeypatch.setattr(setup, "TLS", tmp_path / "tls")
    for volume in ("CONSOLE", "OPERATOR"):
        monkeypatch.setattr(setup, volume, str(tmp_path / "tls" / volume.lower()))
    monkeypatch.setenv("SUBSTATION_CERTIFICATES", "1")
    return tmp_path


def content(volumes: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(volumes)): path.read_bytes()
        for part in ("secrets", "tls")
        for path in (volumes / part).rglob("*")
        if path.is_file()
    }


def tokens_fit(volumes: Path) -> bool:
    """Whether console and load test have the token whose digest the others check."""
    checks = OperatorToken((volumes / "secrets" / "operator-token.sha256").read_text())
    sent = [(volumes / "tls" / each / "operator-token").read_text() for each in ("console", "operator")]
    return all(checks.shown_in([f"Bearer {token}"]) for token in sent)


def test_a_second_start_changes_nothing(volumes: Path) -> None:
    setup.main()
    assert tokens_fit(volumes)
    before = content(volumes)
    setup.main()
    assert content(volumes) == before
    shut = [path for path in (volumes / "secrets").iterdir() if "password" not in path.name]
    assert {stat.S_IMODE(path.stat().st_mode) for path in shut} == {0o400}


@pytest.mark.parametrize(
    "lost", ["tls/console/operator-token", "tls/operator/operator-token", "secrets/operator-token.sha256"]
)
def test_tokens_fit_again_after_a_volume_was_removed(volumes: Path, lost: str) -> None:
    setup.main()
    (volumes / lost).unlink()
    setup.main()
    assert tokens_fit(volumes)


def test_the_token_of_an_earlier_version_is_taken_over(volumes: Path) -> None:
    (volumes / "secrets" / "operator-token").write_text("t" * 32)
    setup.main()
    assert tokens_fit(volumes)
    assert (volumes / "tls" / "console" / "operator-token").read_text() == "t" * 32
    assert not (volumes / "secrets" / "operator-token").exists()


def test_what_an_interrupted_start_has_left_empty_is_made(volumes: Path) -> None:
    for path in ("secrets/grafana-admin-password", "secrets/api-key", "tls/console/operator-token"):
        (volumes / path).touch()
    setup.main()
    assert tokens_fit(volumes)
    assert len((volumes / "secrets" / "grafana-admin-password").read_text()) >= 18
    assert len((volumes / "secrets" / "api-key").read_text()) >= 32


def test_a_lost_authority_is_said_and_nothing_is_cut_off(volumes: Path) -> None:
    setup.main()
    (volumes / "tls" / "authority" / "ca-key.pem").unlink()
    before = content(volumes)
    with pytest.raises(SystemExit, match=r"certificates can't be made: .*ca-key\.pem is missing"):
        setup.main()
    assert content(volumes) == before
