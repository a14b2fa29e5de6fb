"""`python -m admin_ui`."""

import gc

gc.disable()  # until the service serves: hardly anything that imports make is garbage

from admin_ui.app import console
from admin_ui.settings import Settings
from runtime.process import run

if __name__ == "__main__":
    run("admin_ui", Settings, console)
