"""The nodes of a Swarm as the environment names them, and how to take one off the network."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

from tests.support.commands import output

LEAST = 3
WANTED = """no Swarm to try it on. Set:
  SWARM_NODES="unix:///node1.sock ssh://node2 ..."  the engine of each node, at least three, a manager first
  SWARM_CUT="command"   takes a node off the network; the node's number in that list, from 1, is its last argument
  SWARM_HEAL="command"  puts it back
"""


class Node:
    """One engine of a Swarm."""

    def __init__(self, number: int, host: str) -> None:
        self.number = number
        self.host = host
        info = self.docker("info", "--format", "{{.Swarm.NodeID}} {{.Name}} {{.Swarm.ControlAvailable}}")
        self.id, self.name, manager = info.split()
        self.is_manager = manager == "true"

    def docker(self, *arguments: str, check: bool = True, given: bytes = b"", **variables: str) -> str:
        """`docker ...` on this engine."""
        command = ("docker", "-H", self.host, *arguments)
        return output(*command, environment=variables, given=given, check=check).decode()

    def has(self, image: str) -> bool:
        """Whether the engine has an image, and the very one that the engine of DOCKER_HOST has."""
        asked = ("image", "inspect", "--format", "{{.Id}}", image)
        mine = self.docker(*asked, check=False)
        return bool(mine) and mine == output("docker", *asked, check=False).decode()

    def take(self, *images: str) -> None:
        """Copy images from the engine of DOCKER_HOST, if they are not here."""
        lacking = [image for image in images if not self.has(image)]
        if not lacking:
            return
        with subprocess.Popen(["docker", "save", *lacking], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "-H", self.host, "load", "--quiet"],
                stdin=saved.stdout,
                check=True,
                stdout=subprocess.DEVNULL,
            )

    def python(self, container: str, script: str) -> bytes:
        """Run a script in a container; returns what it writes."""
        return output(
            "docker", "-H", self.host, "exec", "-i", container, "python", "-", given=script.encode()
        )

    def page(self, container: str, url: str) -> str:
        """Return a page as the container itself sees it, as its health check does."""
        return self.docker("exec", container, "python", "-m", "runtime.probe", url)


class Nodes:
    """All of them; the first is the one that is asked, and the last the one that is cut off."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        hosts = environment["SWARM_NODES"].split()
        self.all = [Node(number, host) for number, host in enumerate(hosts, start=1)]
        self.manager, self.victim = self.all[0], self.all[-1]
        self._cut, self._heal = (shlex.split(environment[name]) for name in ("SWARM_CUT", "SWARM_HEAL"))

    def cut(self) -> None:
        """Take the victim off the network."""
        output(*self._cut, str(self.victim.number))

    def heal(self) -> None:
        """Put it back."""
        output(*self._heal, str(self.victim.number))

    def state(self, node: Node) -> str:
        """Return what the manager says of a node: ready, down, unknown."""
        return self.manager.docker("node", "inspect", "--format", "{{.Status.State}}", node.id).strip()


def found() -> Nodes | None:
    """Return the nodes that the environment names; else says what is lacking and returns None."""
    lacking = [name for name in ("SWARM_NODES", "SWARM_CUT", "SWARM_HEAL") if not os.environ.get(name)]
    if lacking or len(os.environ["SWARM_NODES"].split()) < LEAST:
        sys.stderr.write(WANTED)
        return None
    try:
        nodes = Nodes(os.environ)
    except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"an engine of SWARM_NODES does not answer, or is in no Swarm: {error}\n")
        return None
    if not nodes.manager.is_manager:
        sys.stderr.write(f"{nodes.manager.host}, the first of SWARM_NODES, is not a manager\n")
        return None
    return nodes
