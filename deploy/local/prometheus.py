"""Prometheus beside the grid, which is optional: its configuration, and the command that starts it."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "monitoring" / "prometheus"
FOLDER = "prometheus"  # in the data folder
RESEND = "--rules.alert.resend-delay=10s"  # an Alertmanager that starts late gets the alerts soon, not after a minute
RETENTION = ("--storage.tsdb.retention.time=7d", "--storage.tsdb.retention.size=1GB")


def installed() -> str | None:
    """Return the program, None when there is none."""
    return shutil.which("prometheus")


def write(folder: Path, targets: Mapping[str, Sequence[str]], tls: Path | None = None) -> None:
    """Write Prometheus's configuration into `folder`: links to the project's files, and `targets` by job.

    `tls` is the folder of the grid's certificates, None where it speaks plain HTTP.
    """
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    links = {"prometheus.yml": ASSETS / ("local-tls.yml" if tls else "local.yml"), "rules": ASSETS / "rules"}
    if tls:
        links["tls"] = tls / "prometheus"
    for name, source in links.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    for job, addresses in targets.items():
        groups = [{"targets": list(addresses)}] if addresses else []
        partial = folder / "targets" / f".{job}.partial"
        partial.write_text(json.dumps(groups), encoding="utf-8")
        partial.replace(folder / "targets" / f"{job}.json")


def arguments(address: str) -> list[str]:
    """Return the shell command, word by word, that serves at `address`, run in Prometheus's folder.

    GRID_PROMETHEUS is the program. It ends with the supervisor, as the services do, if the system supports that.
    """
    words = [
        '"$GRID_PROMETHEUS"',
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address={address}",
        "--log.level=warn",
        RESEND,
        *RETENTION,
    ]
    return ["setpriv", "--pdeathsig", "TERM", "--", *words] if shutil.which("setpriv") else words
