"""`python -m balancer`."""

from balancer.app import balancer
from balancer.settings import Settings
from runtime.process import run

if __name__ == "__main__":
    run("balancer", Settings, balancer)
