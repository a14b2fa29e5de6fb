"""The grid that is fuzzed: real processes, whose life, memory and logs tell what a hostile input has done."""

import hashlib
import json
import urllib.parse
from pathlib import Path
from typing import Any

from tests.support.grid import Grid

KEY = "a-key-of-the-fuzzer-which-is-long-enough"
SERVICES = ("gateway", "balancer", "substation", "admin_ui")


class Target(Grid):
    """A grid that asks charge points for keys, without a quota that would hide what is behind it."""

    def __init__(self, data: Path, **environment: str) -> None:
        data.mkdir(parents=True, exist_ok=True)
        keys = data / "keys"
        keys.write_text(f"fuzzer {hashlib.sha256(KEY.encode()).hexdigest()} 6000000\n")
        super().__init__(data, API_KEYS=str(keys), **environment)
        self.before: dict[str, list[int]] = {}

    def start(self, limit_s: float = 60.0) -> None:
        """Start it, and remember its processes."""
        super().start(limit_s)
        self.before = self.processes()

    @property
    def ports(self) -> dict[str, int]:
        """The port of each listener, by the heading that it has in the threat model."""
        of = {
            name: int(self.environment[name]) for name in ("BALANCER_STREAM_PORT", "SUBSTATION_STREAM_PORT")
        }
        return {
            "Gateway, for everybody": _port(self.gateway),
            "Balancer, HTTP": _port(self.balancer),
            "Substation, HTTP": _port(self.substations[0]),
            "Console, for everybody": _port(self.console),
            "Balancer, stream": of["BALANCER_STREAM_PORT"],
            "Substation, stream": of["SUBSTATION_STREAM_PORT"],
        }

    def processes(self) -> dict[str, list[int]]:
        """Return the ids of the processes of each service."""
        return {service: self.pids(service) for service in SERVICES}

    def memory_kb(self) -> dict[str, int]:
        """Return the resident memory of all processes of each service."""
        return {name: sum(map(_resident_kb, pids)) for name, pids in self.processes().items()}

    def faults(self) -> list[str]:
        """Return which processes have ended, and every error that a service has logged."""
        now = self.processes()
        ended = [
            f"{name}: {self.before[name]} became {now[name]}"
            for name in SERVICES
            if now[name] != self.before[name]
        ]
        return ended + [
            json.dumps(line)[:3000] for line in self.logged() if line.get("level") in {"error", "critical"}
        ]

    def logged(self) -> list[dict[str, Any]]:
        """Return the lines of all logs of services."""
        found = []
        for path in sorted((self.data / "log").glob("*.log")):
            for line in path.read_text(errors="replace").splitlines():
                if line.startswith("{"):
                    found.append(json.loads(line))
                elif "Traceback" in line or "Fatal" in line:
                    found.append({"level": "critical", "message": line, "service": path.stem})
        return found


def _port(url: str) -> int:
    return urllib.parse.urlsplit(url).port or 0


def _resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
