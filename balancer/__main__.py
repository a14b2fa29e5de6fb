"""`python -m balancer`."""

import gc

gc.disable()  # until the service serves: hardly anything that imports make is garbage

from balancer.app import balancer
from balancer.settings import Settings
from runtime.process import run

if __name__ == "__main__":
    run("balancer", Settings, balancer)
