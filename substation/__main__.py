"""`python -m substation`."""

import gc

gc.disable()  # until the service serves: hardly anything that imports make is garbage

from runtime.process import run
from substation.app import substation
from substation.settings import Settings

if __name__ == "__main__":
    run("substation", Settings, substation)
