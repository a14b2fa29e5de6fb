"""`python -m tests.containers [--full] [--keep]`: takes a composition through its life, and prints what it saw."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.containers.composition import Composition, engine_answers
from tests.containers.trials import Life
from tests.support.trials import run

NO_ENGINE = 69  # EX_UNAVAILABLE


def main(arguments: list[str]) -> int:
    """Run every trial in order; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.containers", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole rush hour of 500 cars in 60 s")
    parser.add_argument("--keep", action="store_true", help="leave it running at the end")
    asked = parser.parse_args(arguments)
    if not engine_answers():
        return NO_ENGINE
    with tempfile.TemporaryDirectory() as scratch:
        return through(Composition(), Path(scratch), asked)


def through(composition: Composition, scratch: Path, asked: argparse.Namespace) -> int:
    """Take a composition through every trial."""
    life = Life(composition, scratch, full=asked.full)
    trials = (
        life.build,
        life.images,
        life.up,
        life.shut_in,
        life.same_key,
        life.watched,
        life.rush_hour,
        life.button,
        life.killed,
        life.scaled,
        life.balancer_restarted,
        life.down_and_up,
    )
    try:
        run(trials)
    except BaseException:
        sys.stderr.write(composition.run("docker", "compose", "logs", "--tail", "15", check=False))
        raise
    finally:
        if not asked.keep:
            composition.gone()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
