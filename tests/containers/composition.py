"""One composition of its own on the engine that DOCKER_HOST names: its commands, and what its containers say."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.support.commands import output
from tests.support.composition import COMPOSE_FILE, ROOT
from tests.support.grid import free_range

COMES_TRUE_S = 90.0
IMAGE = "smart-grid:trial"

Json = dict[str, Any]


class Composition:
    """A project with ports and volumes of its own; `gone` takes everything away."""

    def __init__(self, **variables: str) -> None:
        first = free_range(4)
        self.project = f"grid-trial-{os.getpid()}"
        self.gateway = f"http://127.0.0.1:{first}"
        self.console = f"http://127.0.0.1:{first + 1}"
        self.prometheus = f"http://127.0.0.1:{first + 2}"
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "GRID_VERSION": IMAGE.partition(":")[2],
            "GATEWAY_PORT": str(first),
            "CONSOLE_PORT": str(first + 1),
            "PROMETHEUS_PORT": str(first + 2),
            "GRAFANA_PORT": str(first + 3),
            **variables,
        }

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command of this project; returns its output, and fails with its last words."""
        return output(*command, environment=self.environment, check=check).decode()

    def leave_out(self, names: list[str], folder: Path) -> None:
        """Do without services whose images this engine can't get."""
        override = folder / "without.yml"
        override.write_text(
            yaml.safe_dump({"services": {name: {"profiles": ["not here"]} for name in names}})
        )
        self.environment["COMPOSE_FILE"] = f"{COMPOSE_FILE}:{override}"

    def has(self, image: str) -> bool:
        """Whether the engine has an image, or gets it."""
        present = holds(lambda: self.run("docker", "image", "inspect", image))
        return present or holds(lambda: self.run("docker", "pull", "--quiet", image))

    def compose(self, *arguments: str) -> str:
        """`docker compose ...`."""
        return self.run("docker", "compose", *arguments)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """`docker compose ...` beside the caller."""
        return subprocess.Popen(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def containers(self, service: str) -> list[Json]:
        """Return what the engine says of the running containers of a service, by their numbers."""
        ids = self.compose("ps", "-q", service).split()
        found: list[Json] = json.loads(self.run("docker", "inspect", *ids)) if ids else []
        return sorted(found, key=number)

    def page(self, container: Json, url: str, *options: str) -> str:
        """Return a page as the container itself sees it, as its health check does."""
        return self.run("docker", "exec", container["Id"], "python", "-m", "runtime.probe", *options, url)

    def substations(self) -> dict[str, Json]:
        """Return the containers of the substations by the id that each has taken."""
        page = "https://127.0.0.1:8101/metrics?name[]=smartgrid_substation_info"
        found = {}
        for container in self.containers("substation"):
            match = re.search(r'substation="([^"]+)"', self.page(container, page))
            assert match
            found[match[1]] = container
        return found

    def sessions(self, container: Json, after: int = 0, limit: int = 1000) -> Json:
        """Return one page of a substation's sessions, ended ones too."""
        found: Json = json.loads(
            self.page(container, f"https://127.0.0.1:8101/sessions?after={after}&limit={limit}", "--operator")
        )
        return found

    def journal(self) -> list[Json]:
        """Return all sessions that the running substations know."""
        found: list[Json] = []
        for container in self.containers("substation"):
            after: int | None = 0
            while after is not None:
                page = self.sessions(container, after)
                found += page["sessions"]
                after = page["next_after"]
        return found

    def fleet(self) -> dict[str, Json]:
        """Return what the balancer says of each substation."""
        (balancer,) = self.containers("balancer")
        fleet = json.loads(self.page(balancer, "https://127.0.0.1:8001/fleet"))
        return {each["substation_id"]: each for each in fleet["substations"]}

    def order(self, path: str) -> None:
        """POST to the balancer, which is published nowhere, from the console's container: it has the token."""
        (console,) = self.containers("admin_ui")
        self.page(console, f"https://balancer:8001{path}", "--operator", "--post")

    def healthy(self) -> set[str]:
        """Return the ids of the substations that the balancer uses."""
        return {name for name, each in self.fleet().items() if each["state"] == "healthy"}

    def kill(self, container: Json) -> None:
        """kill -9 a container's process as a crash would: `docker kill` would count as an order to stay down."""
        script = f"import os; os.kill({container['State']['Pid']}, 9)"
        self.run("docker", "run", "--rm", "--pid=host", "--network=none", IMAGE, "python", "-c", script)

    def gone(self) -> None:
        """Remove containers, networks and volumes."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "15", "--remove-orphans")


def number(container: Json) -> int:
    """Return a container's number within its service."""
    return int(container["Config"]["Labels"]["com.docker.compose.container-number"])


def until(condition: Callable[[], Any], what: str, within_s: float = COMES_TRUE_S) -> float:
    """Wait until a condition holds; returns the seconds that it took, and fails when it never does."""
    begun = time.monotonic()
    while not holds(condition):
        if time.monotonic() - begun > within_s:
            message = f"never: {what}; at the end: {condition()}"  # says what is wrong, if it can't be asked
            raise AssertionError(message)
        time.sleep(0.2)
    return time.monotonic() - begun


def holds(condition: Callable[[], Any]) -> bool:
    """Whether a condition holds now; what can't be asked yet does not."""
    try:
        return bool(condition())
    except (OSError, AssertionError, ValueError, http.client.HTTPException):
        return False


def ask(
    method: str, url: str, body: Json | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Json]:
    """Send one request; returns the status and the JSON of the answer."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        url, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def engine_answers() -> bool:
    """Whether there is an engine, and Compose v2 to speak to it."""
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=20)
        except (OSError, subprocess.SubprocessError) as error:
            sys.stderr.write(f"no container engine: {' '.join(command)}: {error}\n")
            return False
    return True
