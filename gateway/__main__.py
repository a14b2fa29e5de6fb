"""`python -m gateway`."""

import gc

gc.disable()  # until the service serves: hardly anything that imports make is garbage

from gateway.app import gateway
from gateway.settings import Settings
from runtime.process import run

if __name__ == "__main__":
    run("gateway", Settings, gateway)
