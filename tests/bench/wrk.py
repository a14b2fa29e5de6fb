"""wrk as the generator: many keep-alive clients, each of which sends its next request when it has an answer."""

import dataclasses
import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("charge.lua")
US_PER_S = 1_000_000
MS_PER_US = 0.001


@dataclasses.dataclass(frozen=True)
class Load:
    """What one round of requests showed: the rate of the answers, and their latency."""

    rate: float
    p50_ms: float
    p99_ms: float
    refused: int
    errors: int


def run(url: str, seconds: float, clients: int, *, keyed: bool = False, energy_kwh: float = 0.1) -> Load:
    """Send requests to charge for some seconds; raises CalledProcessError when wrk fails."""
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{max(1, round(seconds))}s",
            "-s",
            str(SCRIPT),
            url,
        ],
        env={**os.environ, "KEYED": str(int(keyed)), "ENERGY_KWH": str(energy_kwh)},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    (line,) = [each for each in done.stdout.splitlines() if each.startswith("RESULT ")]
    requests, us, p50_us, p99_us, refused, errors = map(float, line.split()[1:])
    return Load(requests / (us / US_PER_S), p50_us * MS_PER_US, p99_us * MS_PER_US, int(refused), int(errors))
