"""`python -m gateway`."""

from gateway.app import gateway
from gateway.settings import Settings
from runtime.process import run

if __name__ == "__main__":
    run("gateway", Settings, gateway)
