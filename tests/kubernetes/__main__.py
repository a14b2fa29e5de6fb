"""`make kubernetes-test`: builds deploy/kubernetes with kubectl and compares that with what the tests look at.

Needs kubectl 1.27 or newer. With `--server`, the cluster of kubectl's context validates everything too, and changes
nothing. It must have the namespace, the operators' resource definitions, and policies that let you write.
"""

import argparse
import json
import re
import subprocess
import sys
from typing import Any

import yaml

from tests.support.kustomization import FOLDER, Manifest, built, identity

BUILDS = ("base", "postgresql")
HASH = re.compile(r"-[a-z0-9]{10}$")


def main() -> int:
    """Compare every build; returns 1 after naming what differs."""
    parser = argparse.ArgumentParser(prog="make kubernetes-test", description=__doc__.partition(": ")[2])
    parser.add_argument(
        "--server", action="store_true", help="let the cluster validate the manifests as well"
    )
    server = parser.parse_args().server
    found = 0
    for name in BUILDS:
        text = kubectl("kustomize", str(FOLDER / name))
        differing = differences(built(name), text)
        found |= bool(differing)
        sys.stdout.write(f"{name}: {', '.join(differing) or 'the same resources as in the tests'}\n")
        if server:
            sys.stdout.write(kubectl("apply", "--dry-run=server", "--filename=-", given=text))
    return found


def kubectl(*arguments: str, given: str | None = None) -> str:
    """Return what kubectl prints; ends the program when it fails."""
    done = subprocess.run(
        ["kubectl", *arguments],
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def differences(ours: list[Manifest], text: str) -> list[str]:
    """Return the resources that are not the same in both."""
    theirs = [unhashed(each) for each in yaml.safe_load_all(text)]
    left, right = ({identity(each): each for each in side} for side in (ours, theirs))
    either = sorted(left.keys() | right.keys())
    return ["/".join(each) for each in either if in_order(left.get(each)) != in_order(right.get(each))]


def unhashed(manifest: Manifest) -> Manifest:
    """Return a resource with the names of ConfigMaps as they are written."""
    if manifest["kind"] == "ConfigMap":
        manifest["metadata"]["name"] = HASH.sub("", manifest["metadata"]["name"])
    for container in manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        for source in container.get("envFrom", []):
            source["configMapRef"]["name"] = HASH.sub("", source["configMapRef"]["name"])
    return manifest


def in_order(value: Any) -> Any:
    """Return a value in which the order of named items of a list does not count: a patch may put them first."""
    if isinstance(value, dict):
        return {name: in_order(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted(map(in_order, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


if __name__ == "__main__":
    sys.exit(main())
