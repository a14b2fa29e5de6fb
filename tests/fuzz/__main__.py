"""`make fuzz MINUTES=n`: fuzzes decoders, ports and the API for so long, and goes on where the last run ended.

What was found is in `data/fuzz`: the record, the corpora, and an input for each crash. Remove the folder to begin anew.
"""

import asyncio
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.decoders import DECODERS, HARD
from tests.fuzz.described import arguments
from tests.fuzz.floods import FLOODS
from tests.fuzz.record import Record
from tests.fuzz.sending import Answers, send_all
from tests.fuzz.target import KEY, Target
from tests.fuzz.waiting import waits_ms

FOLDER = Path(os.environ.get("DATA_DIR", "data")) / "fuzz"
DECODER_S = 10
SOCKET_INPUTS = 5_000  # of a listener in a round
FLOOD_S = 5.0
EXAMPLES = 100
RUNS = re.compile(r"Done ([0-9]+) runs|^#([0-9]+)", re.MULTILINE)


def decoder(name: str, record: Record, target: Target) -> None:
    """Fuzz one decoder."""
    own = FOLDER / "corpus" / name.replace(" ", "-")
    if not own.exists():
        own.mkdir(parents=True)
        for number, seed in enumerate([*DECODERS[name].seeds, *HARD]):
            (own / f"seed-{number}").write_bytes(seed)
    crashes = FOLDER / "crashes"
    crashes.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={DECODER_S}",
        "-max_len=8192",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-verbosity=1",
    ]
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.coverage",
        name,
        *options,
        f"-artifact_prefix={crashes}/",
        str(own),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = [int(done or at) for done, at in RUNS.findall(run.stderr)]
    record.inputs[f"decoder: {name}"] += max(counts, default=0)
    if run.returncode:
        record.faults.append(f"decoder {name}: {run.stderr[-3000:]}")


def listener(name: str, record: Record, target: Target) -> None:
    """Send one listener what no client sends."""
    answers = Answers()
    given = corpus.inputs(corpus.seeds(name, f"Bearer {KEY}"), random.Random(f"{name} {record.steps}"))
    asyncio.run(send_all(target.ports[name], itertools.islice(given, SOCKET_INPUTS), answers))
    record.inputs[f"port: {name}"] += answers.inputs
    record.statuses.update({str(status): count for status, count in answers.statuses.items()})
    record.faults += [f"{name}: {sent!r} was answered {answer!r}" for sent, answer in answers.unexplained]


def described(key: str, record: Record, target: Target) -> None:
    """Let Schemathesis use the API, with a key or without."""
    command = [sys.executable, *arguments(target.gateway, key, examples=EXAMPLES, seed=record.steps + 1)]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    generated = re.search(r"([0-9]+) generated", run.stdout)
    record.inputs["API, " + ("with a key" if key else "without a key")] += (
        int(generated[1]) if generated else 0
    )
    if run.returncode:
        record.faults.append(f"schemathesis: {run.stdout[-3000:]}")


def flood(name: str, record: Record, target: Target) -> None:
    """Flood, and note how long a good client waits."""
    median_ms, p99_ms, bad = waits_ms(target, name, FLOOD_S)
    record.notes[f"good client, {name or 'no flood'}"] = (
        f"median {median_ms:.1f} ms, p99 {p99_ms:.1f} ms, not 200: {bad}"
    )


def main(minutes: float) -> int:
    """Fuzz for so long; returns 1 when a fault was found, in this run or before."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    record = Record.read(FOLDER / "record.json")
    with tempfile.TemporaryDirectory() as data:
        target = Target(Path(data) / "data")
        target.start()
        try:
            record.notes["memory before, kB"] = target.memory_kb()
            _steps(record, target, time.monotonic() + minutes * 60)
            record.notes["memory after, kB"] = target.memory_kb()
        finally:
            target.stop()
    record.write()
    sys.stdout.write(record.text() + "\n")
    return 1 if record.faults else 0


def _steps(record: Record, target: Target, until_s: float) -> None:
    """Do everything in turns until the time is up; a step that has begun is finished."""
    every = [
        *((listener, name) for name in target.ports),
        *((described, key) for key in (KEY, "")),
        *((flood, name) for name in ("", *FLOODS)),
        *((decoder, name) for name in DECODERS),
    ]
    while time.monotonic() < until_s:
        step, name = every[record.steps % len(every)]  # where the last run ended
        step(name, record, target)
        record.steps += 1
        record.faults += target.faults()
        target.before = target.processes()
        _tell(record, f"{step.__name__} {name if name != KEY else 'with a key'}")


def _tell(record: Record, step: str) -> None:
    record.write()
    sys.stdout.write(f"{step}: {record.inputs.total():,} inputs, {len(record.faults)} faults\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
