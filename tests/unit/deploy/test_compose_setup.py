"""The secrets of the composition, in folders in place of its volumes: what is made, kept, and made to fit again."""

import stat
from pathlib import Path

import pytest

from deploy.compose import setup
from runtime.operator_token import OperatorToken

GIVEN = ("balancer", "database", "gateway", "grafana", "substations")
VOLUMES = ("authority", "balancer", "gateway", "console", "operator", "prometheus", "substations")


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folders = (*(f"given/{volume}" for volume in GIVEN), *(f"tls/{volume}" for volume in VOLUMES))
    for name in ("data", "runs", "secrets", *folders):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(setup, "RUNS", tmp_path / "runs")
    for volume in GIVEN:
        monkeypatch.setattr(setup, f"FOR_{volume.upper()}", str(tmp_path / "given" / volume))
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
        for part in ("secrets", "given", "tls")
        for path in (volumes / part).rglob("*")
        if path.is_file()
    }


def tokens_fit(volumes: Path) -> bool:
    """Whether console and load test have the token whose digest the others check."""
    files = [volumes / "given" / each / "operator-token.sha256" for each in ("balancer", "substations")]
    sent = [(volumes / "tls" / each / "operator-token").read_text() for each in ("console", "operator")]
    return all(
        OperatorToken(file.read_text()).shown_in([f"Bearer {token}"]) for file in files for token in sent
    )


def test_a_second_start_changes_nothing(volumes: Path) -> None:
    setup.main()
    assert tokens_fit(volumes)
    before = content(volumes)
    setup.main()
    assert content(volumes) == before
    modes = {
        path: stat.S_IMODE((volumes / path).stat().st_mode) for path in before if not path.startswith("tls/")
    }
    others = {
        "given/grafana/grafana-admin-password",
        "given/database/database-password",
    }  # run under other ids
    assert modes == {path: 0o444 if path in others else 0o400 for path in modes}


SEES = {
    "secrets": {"api-key"},
    "given/balancer": {"operator-token.sha256", "database-password"},
    "given/database": {"database-password"},
    "given/gateway": {"api-keys.txt"},
    "given/grafana": {"grafana-admin-password"},
    "given/substations": {"operator-token.sha256"},
}


def test_each_volume_has_what_its_service_needs_and_nothing_else(volumes: Path) -> None:
    setup.main()
    assert {name: {path.name for path in (volumes / name).iterdir()} for name in SEES} == SEES
    assert_one_password(volumes)


def assert_one_password(volumes: Path) -> None:
    """The database and the balancer have the same password."""
    found = {(volumes / f"given/{name}/database-password").read_text() for name in ("balancer", "database")}
    assert len(found) == 1
    assert len(found.pop()) >= 32


def test_what_an_earlier_version_left_for_all_is_moved_to_whom_it_is_for(volumes: Path) -> None:
    former = {
        "grafana-admin-password": "given/grafana",
        "database-password": "given/database",
        "api-keys.txt": "given/gateway",
    }
    for name in former:
        (volumes / "secrets" / name).write_text(f"{name} of before, which is long enough for all")
    (volumes / "secrets" / "operator-token.sha256").write_text("sha256:" + "0" * 64)
    run = volumes / "data" / "runs" / "2026-01-01"
    run.mkdir(parents=True)
    (run / "result.json").write_text("{}")
    setup.main()
    for name, folder in former.items():
        assert (volumes / folder / name).read_text() == f"{name} of before, which is long enough for all"
    assert {path.name for path in (volumes / "secrets").iterdir()} == {"api-key"}
    assert (volumes / "runs" / "2026-01-01" / "result.json").read_text() == "{}"
    assert list((volumes / "data" / "runs").iterdir()) == []
    assert_one_password(volumes)
    before = content(volumes)
    setup.main()
    assert content(volumes) == before


@pytest.mark.parametrize(
    "lost",
    [
        "tls/console/operator-token",
        "tls/operator/operator-token",
        "given/balancer/operator-token.sha256",
        "given/substations/operator-token.sha256",
    ],
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
    for path in ("given/grafana/grafana-admin-password", "secrets/api-key", "tls/console/operator-token"):
        (volumes / path).touch()
    setup.main()
    assert tokens_fit(volumes)
    assert len((volumes / "given" / "grafana" / "grafana-admin-password").read_text()) >= 18
    assert len((volumes / "secrets" / "api-key").read_text()) >= 32


def test_a_lost_authority_is_said_and_nothing_is_cut_off(volumes: Path) -> None:
    setup.main()
    (volumes / "tls" / "authority" / "ca-key.pem").unlink()
    before = content(volumes)
    with pytest.raises(SystemExit, match=r"certificates can't be made: .*ca-key\.pem is missing"):
        setup.main()
    assert content(volumes) == before
