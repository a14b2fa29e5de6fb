"""`python -m tests.swarm [--full] [--keep]`: takes the stack through its life on a Swarm, and prints what it saw."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.support.trials import run
from tests.swarm import nodes
from tests.swarm.stack import Stack
from tests.swarm.trials import Life

NO_SWARM = 69  # EX_UNAVAILABLE


def main(arguments: list[str]) -> int:
    """Run every trial in order; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.swarm", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole rush hour of 500 cars in 60 s")
    parser.add_argument("--keep", action="store_true", help="leave it running at the end")
    asked = parser.parse_args(arguments)
    found = nodes.found()
    if not found:
        return NO_SWARM
    with tempfile.TemporaryDirectory() as scratch:
        return through(Stack(found, Path(scratch)), asked)


def through(stack: Stack, asked: argparse.Namespace) -> int:
    """Take a stack through every trial."""
    life = Life(stack, os.environ.get("SWARM_IMAGE", ""), full=asked.full)
    try:
        run(
            (
                life.images,
                life.deployed,
                life.watched,
                life.cut_off,
                life.updated,
                life.rush_hour,
                life.console,
            )
        )
    except BaseException:
        sys.stderr.write(stack.last_words())
        raise
    finally:
        if not asked.keep:
            stack.gone()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
