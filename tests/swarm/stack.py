"""One stack of its own on the nodes: deployed, looked at on every node, and removed without a trace."""

import datetime as dt
import json
import os
import secrets
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import yaml

from deploy.certificates.folder import Wanted, fill
from runtime.operator_token import OperatorToken
from tests.containers.composition import holds, until
from tests.support.commands import output
from tests.support.composition import ROOT
from tests.support.grid import sessions_in
from tests.swarm.nodes import Node, Nodes

STACK_FILE, PROMETHEUS_FILE = "deploy/swarm/stack.yml", "deploy/swarm/prometheus.yml"
CAPACITY_KW = 1400
GONE_WITHIN_S = 120.0
BACKUP = """
import json, os, pathlib, sys
from runtime.probe import contexts, fetch
own = next(contexts(os.environ, checked=False))
copy = pathlib.Path(json.loads(fetch("https://127.0.0.1:8101/backup", 30, method="POST", tls=own))["path"])
sys.stdout.buffer.write(copy.read_bytes())
copy.unlink()
"""
# Of a substation, on its node: `-v` makes the folder as root.
PLACE = """
import os, sys
os.chown("/tls", 10001, 10001)
with open("/tls/substation.pem", "wb") as file:
    file.write(sys.stdin.buffer.read())
    os.fchown(file.fileno(), 10001, 10001)
    os.fchmod(file.fileno(), 0o400)
"""
ROLES = ("balancer", "console", "gateway", "prometheus")

Json = dict[str, Any]


class Stack:
    """The stack of deploy/swarm/stack.yml under a name of its own."""

    def __init__(self, nodes: Nodes, scratch: Path) -> None:
        self.nodes = nodes
        self.name = f"grid-trial-{os.getpid()}"
        self.services = sorted(yaml.safe_load((ROOT / STACK_FILE).read_text(encoding="utf-8"))["services"])
        self.files = [STACK_FILE, PROMETHEUS_FILE]
        self._scratch = scratch
        self._image = ""
        self._labelled: list[tuple[Node, str]] = []

    @property
    def names(self) -> list[str]:
        """The ids that substations must take: those of their nodes."""
        return sorted(node.name for node in self.nodes.all)

    @property
    def network(self) -> str:
        """The network that clients join."""
        return f"{self.name}_default"

    def label(self, node: Node, name: str) -> None:
        """Label a node; a label that was there before stays at the end."""
        manager = self.nodes.manager
        before = json.loads(manager.docker("node", "inspect", "--format", "{{json .Spec.Labels}}", node.id))
        if name not in before:
            self._labelled.append((node, name))
        manager.docker("node", "update", "--label-add", f"{name}=true", node.id)

    def deploy(self, image: str) -> None:
        """Deploy the stack, or bring it up to another image."""
        self._image = image
        self._make_secrets(image)
        self.nodes.manager.docker(
            "stack",
            "deploy",
            "--resolve-image",
            "never",
            *(f"--compose-file={file}" for file in self.files),
            self.name,
            PROMETHEUS_CONFIG=self.name,
            GRID_IMAGE=image,
            ALLOW_ANONYMOUS="1",
            API_KEYS="",
            CAPACITY_KW=str(CAPACITY_KW),
            TIME_SCALE="120",
            POLL_S="1",
            TRUSTED_PROXIES="10.0.0.0/8,172.16.0.0/12",  # the visitor comes as a proxy
            OPERATOR_TOKEN_SECRET=self._secret,
            TLS_SECRETS=f"{self.name}-tls",
            TLS_DIR=self._tls_dir("{{.Node.Hostname}}"),
        )

    @property
    def _secret(self) -> str:
        return f"{self.name}-operator-token"

    def _tls_dir(self, node: str) -> str:
        """Return the folder of a node's own certificate; several engines may share one machine."""
        return f"/run/{self.name}/{node}"

    @property
    def secrets(self) -> list[str]:
        """The names of all secrets of this stack."""
        return [self._secret, f"{self._secret}-digest", *(f"{self.name}-tls-{role}" for role in ROLES)]

    def _make_secrets(self, image: str) -> None:
        """Make the operator's token and the certificates, if this is the first deployment."""
        manager = self.nodes.manager
        if self._secret in manager.docker("secret", "ls", "--format", "{{.Name}}").split():
            return
        token, folder = secrets.token_urlsafe(32), self._scratch / "tls"
        fill(folder, Wanted(self.names), dt.datetime.now(dt.UTC))
        files = [(folder / role / "all.pem").read_bytes() for role in ROLES]
        contents = [token.encode(), OperatorToken(token).digest.encode(), *files]
        for name, content in zip(self.secrets, contents, strict=True):
            output("docker", "-H", manager.host, "secret", "create", name, "-", given=content)
        for node in self.nodes.all:
            mount = f"{self._tls_dir(node.name)}:/tls"
            command = (
                "run",
                "--rm",
                "-i",
                "--user=0",
                "--network=none",
                "-v",
                mount,
                image,
                "python",
                "-c",
                PLACE,
            )
            node.docker(*command, given=(folder / "substations" / node.name / "all.pem").read_bytes())

    def container(self, service: str, node: Node) -> str:
        """Return the running container of a service on a node; fails when there is not exactly one."""
        label = f"label=com.docker.swarm.service.name={self.name}_{service}"
        (found,) = node.docker("ps", "--quiet", "--filter", label, "--filter", "status=running").split()
        return found

    def balancer(self, path: str) -> Json:
        """Return what the balancer, on the first node, says at a path."""
        node = self.nodes.manager
        answer: Json = json.loads(
            node.page(self.container("balancer", node), f"https://127.0.0.1:8001{path}")
        )
        return answer

    def fleet(self) -> dict[str, Json]:
        """Return what the balancer says of each substation."""
        return {each["substation_id"]: each for each in self.balancer("/fleet")["substations"]}

    def in_use(self) -> list[str]:
        """Return the ids of the substations that the balancer uses."""
        return sorted(name for name, each in self.fleet().items() if each["state"] == "healthy")

    def tasks(self, service: str) -> list[Json]:
        """Return what the engine says of the tasks of a service, those that are over too."""
        listed = self.nodes.manager.docker(
            "service", "ps", "--no-trunc", "--format", "{{json .}}", f"{self.name}_{service}"
        )
        return [json.loads(line) for line in listed.splitlines()]

    def settled(self) -> bool:
        """Whether a substation runs on every node, as the engine says, and is in use, as the balancer says."""
        wanted = [task for task in self.tasks("substation") if task["DesiredState"] == "Running"]
        running = sorted(task["Node"] for task in wanted if task["CurrentState"].startswith("Running"))
        return running == self.names == self.in_use()

    def updated_to(self, image: str) -> bool:
        """Whether every service of ours is done with an update, and all its tasks run from an image."""
        ended = "{{with .UpdateStatus}}{{.State}}{{end}}"
        return all(
            self.nodes.manager.docker("service", "inspect", "--format", ended, f"{self.name}_{name}").strip()
            == "completed"
            and {task["Image"] for task in self.tasks(name) if task["DesiredState"] == "Running"} == {image}
            for name in self.services
        )

    def states(self) -> str:
        """Return the state of each substation: as the balancer sees it, and as the engine does."""
        lines = []
        fleet = self.fleet()
        for node in self.nodes.all:
            seen = fleet.get(node.name, {"state": "not seen", "sessions": 0, "load_kw": 0})
            tasks = [
                task["CurrentState"].split()[0]
                for task in self.tasks("substation")
                if task["Node"] == node.name
            ]
            task = ", before that ".join(tasks[:2]) or "none"
            lines.append(
                f"{node.name} {seen['state']}, {seen['sessions']} sessions, {seen['load_kw']:.0f} kW"
                f" (task {task.lower()}, {len(tasks)} in all; node {self.nodes.state(node)})"
            )
        return "".join(f"\n        {line}" for line in lines)

    def journals(self) -> dict[str, list[sqlite3.Row]]:
        """Return all sessions of each substation, from a copy that it makes of its journal."""
        found = {}
        for node in self.nodes.all:
            copy = self._scratch / f"{node.number}.sqlite"
            copy.write_bytes(node.python(self.container("substation", node), BACKUP))
            found[node.name] = sessions_in(copy)
            copy.unlink()
        return found

    def last_words(self) -> str:
        """Return the states and the ends of all logs; a node that does not answer has none."""
        lines = [self.states() if holds(self.fleet) else "no balancer answers", "\n"]
        for service in self.services:
            command = ["docker", "-H", self.nodes.manager.host, "service", "logs", "--tail", "8"]
            command.append(f"{self.name}_{service}")
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
            )
            lines.append(done.stdout.decode(errors="replace"))
        return "".join(lines)

    def gone(self) -> None:
        """Remove the stack with its containers, networks, volumes and labels."""
        self.nodes.manager.docker("stack", "rm", self.name, check=False)
        until(lambda: not self._left("container"), "every container gone", GONE_WITHIN_S)
        self.nodes.manager.docker("secret", "rm", *self.secrets, check=False)
        for node in self.nodes.all:
            self._forget_certificate(node)
            for volume in self._volumes(node):
                node.docker("volume", "rm", volume)
        for node, name in self._labelled:
            self.nodes.manager.docker("node", "update", "--label-rm", name, node.id)
        until(lambda: not self._left("network"), "every network gone", GONE_WITHIN_S)

    def _forget_certificate(self, node: Node) -> None:
        mount = f"{self._tls_dir(node.name)}:/tls"
        remove = "import os; os.path.exists('/tls/substation.pem') and os.unlink('/tls/substation.pem')"
        command = (
            "run",
            "--rm",
            "--user=0",
            "--network=none",
            "-v",
            mount,
            self._image,
            "python",
            "-c",
            remove,
        )
        node.docker(*command, check=False)

    def _left(self, kind: str) -> list[str]:
        label = ("--filter", f"label=com.docker.stack.namespace={self.name}")
        more = ("--all",) if kind == "container" else ()
        return [
            each
            for node in self.nodes.all
            for each in node.docker(kind, "ls", "--quiet", *more, *label).split()
        ]

    def _volumes(self, node: Node) -> list[str]:
        return node.docker(
            "volume", "ls", "--quiet", "--filter", f"label=com.docker.stack.namespace={self.name}"
        ).split()
