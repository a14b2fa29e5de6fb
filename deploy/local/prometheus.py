"""Prometheus beside the grid: where it looks, what it is started with. It is optional."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "monitoring" / "prometheus"
RESEND = "--rules.alert.resend-delay=10s"  # an Alertmanager that came late is told soon, not after a minute
RETENTION = ("--storage.tsdb.retention.time=7d", "--storage.tsdb.retention.size=1GB")


def installed() -> str | None:
    """Return the program, None when there is none."""
    return shutil.which("prometheus")


def write(folder: Path, targets: Mapping[str, Sequence[str]]) -> None:
    """Put into `folder` what Prometheus reads: links to what the project has, and `targets` by job."""
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    for name, source in {"prometheus.yml": "local.yml", "rules": "rules"}.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(ASSETS / source)
    for job, addresses in targets.items():
        groups = [{"targets": list(addresses)}] if addresses else []
        partial = folder / "targets" / f".{job}.partial"
        partial.write_text(json.dumps(groups), encoding="utf-8")
        partial.replace(folder / "targets" / f"{job}.json")


def command(program: str, folder: Path, address: str) -> str:
    """Return the command line that serves at `address`, with its data in `folder`.

    It ends with the supervisor, as the services do, where the system can see to that.
    """
    words = [
        f'"{program}"', f'--config.file="{folder}/prometheus.yml"', f'--storage.tsdb.path="{folder}/data"',
        f"--web.listen-address={address}", "--log.level=warn", RESEND, *RETENTION,
    ]  # fmt: skip
    if setpriv := shutil.which("setpriv"):
        words = [setpriv, "--pdeathsig", "TERM", "--", *words]
    return " ".join(words)
