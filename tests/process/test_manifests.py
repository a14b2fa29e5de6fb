"""The services of deploy/kubernetes as processes on this machine: with the environment of their pods, the secrets that the
guide makes, and the probes of a kubelet. Names and ports are put in as this machine has them."""

import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.probe import fetch
from tests.support import template
from tests.support.composition import ROOT
from tests.support.grid import LIMIT_S, until
from tests.support.manifests import PACKAGES, container, of_kind, pod, ports, settings
from tests.support.ports import free_port
from tests.unit.project.test_compose_file import defaults

GUIDE = (ROOT / "docs/how-to/run-on-kubernetes.md").read_text(encoding="utf-8")
SET_UP = GUIDE.partition("```sh\n")[2].partition("```")[0]
RECORDED = 'kubectl() { printf "%q " "$@" >> calls; echo >> calls; }\n'
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


class Pods:
    """One pod of each service, without a cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = self._secrets()
        self.ports = {port: free_port() for name in PACKAGES for port in ports("base", name).values()}
        self.processes: dict[str, subprocess.Popen[Any]] = {}

    def _secrets(self) -> dict[str, dict[str, Path]]:
        """Do what the guide says, but record the secrets in place of creating them; returns their files by keys."""
        (self.folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        (self.folder / "data").mkdir()
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(["bash", "-ec", RECORDED + SET_UP], cwd=self.folder, env=environment, check=True)
        found: dict[str, dict[str, Path]] = {}
        for line in (self.folder / "calls").read_text(encoding="utf-8").splitlines():
            words = shlex.split(line)
            if words[:2] == ["create", "secret"]:
                told = [word.removeprefix("--from-file=") for word in words[4:]]
                named = {"--cert": "tls.crt", "--key": "tls.key"}
                pairs = [word.split("=", 1) for word in told]
                found[words[3]] = {named.get(key, key): self.folder / path for key, path in pairs}
        return found

    def environment(self, name: str) -> dict[str, str]:
        """Return a pod's environment, with the files, ports and names of this machine."""
        told = {key: self._value(name, value) for key, value in settings("base", name).items()}
        for key, default in defaults(PACKAGES[name]).items():
            if key.endswith("_PORT"):
                told[key] = str(self.ports[int(told.get(key, default))])
        return told | {"DATA_DIR": str(self.folder / name), "PATH": os.environ["PATH"]}

    def _value(self, name: str, value: str) -> str:
        if value == "/data/runs":
            return str(self.folder / "runs")
        if value.startswith("/"):
            return str(self._file(name, Path(value)))
        hosts = "|".join(["balancer-0[.]balancer", *of_kind("base", "Service")])
        return re.sub(rf"\b({hosts}):(\d+)", lambda found: f"localhost:{self.ports[int(found[2])]}", value)

    def _file(self, name: str, path: Path) -> Path:
        """Return the file that a pod sees at a path of its secrets."""
        mounts = {each["mountPath"]: each for each in container("base", name)["volumeMounts"]}
        mount = mounts.get(str(path)) or mounts[str(path.parent)]
        (volume,) = (each for each in pod("base", name)["volumes"] if each["name"] == mount["name"])
        key = mount.get("subPathExpr", path.name).replace("$(SUBSTATION_ID)", "substation-1")
        return self.secrets[volume["secret"]["secretName"]][key]

    def start(self) -> None:
        """Start all services."""
        for name in PACKAGES:
            command = [sys.executable, *container("base", name)["command"][1:]]
            self.processes[name] = template.popen(command, env=self.environment(name), cwd=ROOT)

    def healthy(self, name: str, probe: dict[str, Any]) -> bool:
        """Return what a probe says of a service, as the kubelet of a machine would ask it: it has no certificate."""
        assert self.processes[name].poll() is None, f"{name} has ended"
        if "exec" in probe:
            *command, url = probe["exec"]["command"][1:]
            url = re.sub(r":(\d+)/", lambda found: f":{self.ports[int(found[1])]}/", url)
            environment = self.environment(name)
            done = template.run(
                [sys.executable, *command, url], env=environment, cwd=ROOT, capture_output=True
            )
            return done.returncode == 0
        told = probe["httpGet"]
        port = self.ports[ports("base", name)[told["port"]]]
        try:
            fetch(f"{told['scheme'].lower()}://127.0.0.1:{port}{told['path']}")
        except OSError:
            return False
        return True

    def stop(self) -> dict[str, int]:
        """Stop all services as a cluster does; returns their exit codes."""
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(LIMIT_S) for name, process in self.processes.items()}


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    started = Pods(tmp_path_factory.mktemp("pods"))
    started.start()
    yield started
    assert started.stop() == dict.fromkeys(PACKAGES, 0)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_service_is_healthy_with_the_environment_of_its_pod(pods: Pods, name: str) -> None:
    for probe in PROBES:
        until(lambda probe=probe: pods.healthy(name, container("base", name)[probe]))


def test_a_charge_point_with_a_key_gets_a_session(pods: Pods) -> None:
    until(lambda: pods.healthy("gateway", container("base", "gateway")["startupProbe"]))
    authority = ssl.create_default_context(cafile=str(pods.folder / "data/tls/gateway/ca.pem"))
    key = pods.secrets["console-api-key"]["key"].read_text(encoding="ascii").strip()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    url = f"https://localhost:{pods.ports[8000]}/charge"
    request = urllib.request.Request(url, b'{"vehicle_id": "EV-1"}', headers)
    with urllib.request.urlopen(request, context=authority, timeout=LIMIT_S) as answer:
        assert json.load(answer)["substation_id"] == "substation-1"
