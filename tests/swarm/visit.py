"""`python -m tests.swarm.visit CONSOLE NAME`: somebody logs in, starts a short rush hour and prints how it ended.

Runs in a container on the stack's network, and reads the password from its standard input.
"""

import json
import sys
import time

from tests.containers.browser import Browser

ENDED_WITHIN_S = 240.0  # a rush hour waits for a nearly empty fleet
CARS, SECONDS = 60, 6.0


def main(console: str, name: str) -> None:
    """Visit the console."""
    browser = Browser(console, "/login", name=name, password=sys.stdin.read(), next="/")
    run_id = browser.rush_hour(CARS, SECONDS)
    until_s = time.monotonic() + ENDED_WITHIN_S
    while (run := browser.run(run_id))["verdict"] == "no end" and time.monotonic() < until_s:
        time.sleep(0.5)
    sys.stdout.write(json.dumps(run))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
