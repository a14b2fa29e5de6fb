"""`python -m substation`."""

from runtime.process import run
from substation.app import substation
from substation.settings import Settings

if __name__ == "__main__":
    run("substation", Settings, substation)
