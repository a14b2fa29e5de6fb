"""Timers of a service go on when the wall clock is set back."""

import subprocess
import sys

from tests.support.processes import HUNG_S, ROOT

SERVING = """
import contextlib, dataclasses, os, signal, time
from tornado.ioloop import PeriodicCallback
from runtime.process import run

@dataclasses.dataclass
class Settings:
    pass

real, left = time.time, [5]

def tick():
    time.time = lambda: real() - 3600
    left[0] -= 1
    if not left[0]:
        print("on time")
        os.kill(os.getpid(), signal.SIGTERM)

@contextlib.asynccontextmanager
async def service(_):
    ticking = PeriodicCallback(tick, 20)
    ticking.start()
    yield
    ticking.stop()

run("test", Settings, service)
"""


def test_a_periodic_callback_goes_on_when_the_wall_clock_is_set_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=HUNG_S,
    )
    assert done.stdout.startswith("on time\n")
