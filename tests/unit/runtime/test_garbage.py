"""No garbage is looked for during the imports of a service, and it is once the service serves."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("admin_ui", "balancer", "gateway", "substation")
SERVING = """
import asyncio, contextlib, dataclasses, gc, os, signal
from runtime.process import run

gc.disable()

@dataclasses.dataclass
class Settings:
    pass

def look():
    print(gc.isenabled(), gc.get_threshold()[0] > 1000, gc.get_freeze_count() > 1000)
    os.kill(os.getpid(), signal.SIGTERM)

@contextlib.asynccontextmanager
async def service(_):
    asyncio.get_running_loop().call_soon(look)
    yield

run("test", Settings, service)
"""


def test_a_service_that_serves_looks_for_garbage() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVING], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", "True", "True"]


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_imported_before_collection_is_off(service: str) -> None:
    lines = (ROOT / service / "__main__.py").read_text().splitlines()
    code = [line for line in lines if line and not line.startswith(('"', "#"))]
    assert code[0] == "import gc"
    assert code[1].startswith("gc.disable()")
