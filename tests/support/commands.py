"""Commands that a test runs from the project's root, bounded in time; one that fails says its last words."""

import os
import subprocess
from collections.abc import Mapping

from tests.support.composition import ROOT

HUNG_S = 300.0


def output(
    *command: str, environment: Mapping[str, str] | None = None, given: bytes = b"", check: bool = True
) -> bytes:
    """Run a command on top of this process's environment; returns what it writes to standard output."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        input=given,
        capture_output=True,
        timeout=HUNG_S,
        check=False,
    )
    report = f"{' '.join(command)}\n{done.stdout[-2000:].decode(errors='replace')}{done.stderr[-2000:].decode(errors='replace')}"
    assert not check or done.returncode == 0, report
    return done.stdout
