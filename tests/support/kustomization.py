"""deploy/kubernetes as `kubectl kustomize` builds it, for the few features that its files use.

`make kubernetes-test` compares it with the real one. Names of ConfigMaps have no hash here.
"""

import copy
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.composition import ROOT

FOLDER = ROOT / "deploy/kubernetes"
KNOWN = {
    "apiVersion",
    "kind",
    "namespace",
    "labels",
    "resources",
    "components",
    "configMapGenerator",
    "images",
    "patches",
}
CLUSTER_WIDE = {"Namespace"}
# The lists that a patch merges, and the field by which their items are told apart.
KEYS = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}

Manifest = dict[str, Any]


def built(name: str) -> list[Manifest]:
    """Return every resource of a kustomization below deploy/kubernetes; they are the caller's own."""
    return copy.deepcopy(_built(FOLDER / name))


@functools.cache
def _built(folder: Path) -> list[Manifest]:
    return _applied(folder, [])


def _applied(folder: Path, before: list[Manifest]) -> list[Manifest]:
    """Return the resources of `before` with what the kustomization of a folder adds and changes."""
    (told,) = _read(folder / "kustomization.yaml")
    if unknown := told.keys() - KNOWN:
        raise ValueError(f"{folder.name}/kustomization.yaml uses {unknown}, which is not known here")
    found = [*copy.deepcopy(before), *_resources(folder, told)]
    for component in told.get("components", []):
        found = _applied((folder / component).resolve(), found)
    for patch in told.get("patches", []):
        for change in _read(folder / patch["path"]):
            _patch(found, change)
    for each in found:
        _finish(each, told)
    return found


def _resources(folder: Path, told: Manifest) -> Iterator[Manifest]:
    for name in told.get("resources", []):
        path = (folder / name).resolve()
        yield from _applied(path, []) if path.is_dir() else _read(path)
    for each in told.get("configMapGenerator", []):
        lines = [line for name in each["envs"] for line in (folder / name).read_text("utf-8").splitlines()]
        data = dict(line.split("=", 1) for line in lines)
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": each["name"]}, "data": data}


def _read(path: Path) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def _patch(found: list[Manifest], change: Manifest) -> None:
    (target,) = (each for each in found if identity(each) == identity(change))
    merged = _merged(target, change)
    target.clear()
    target.update(merged)


def identity(manifest: Manifest) -> tuple[str, str]:
    """Return the kind and the name of a resource."""
    return manifest["kind"], manifest["metadata"]["name"]


def _merged(old: Any, new: Any, field: str = "") -> Any:
    """Return a strategic merge; None removes a field."""
    if isinstance(old, dict) and isinstance(new, dict):
        both = {name: _merged(old.get(name), value, name) for name, value in new.items() if value is not None}
        return {name: value for name, value in old.items() if name not in new} | both
    if isinstance(old, list) and field in KEYS:
        key = KEYS[field]
        by_key = {each[key]: each for each in old}
        for each in new:
            by_key[each[key]] = _merged(by_key.get(each[key]), each)
        return list(by_key.values())
    return copy.deepcopy(new)


def _finish(manifest: Manifest, told: Manifest) -> None:
    """Put in what a kustomization says of all its resources: namespace, labels, tags of images."""
    metadata = manifest["metadata"]
    if "namespace" in told and manifest["kind"] not in CLUSTER_WIDE:
        metadata["namespace"] = told["namespace"]
    spec = manifest.get("spec", {})
    template = spec.get("template")
    for label in told.get("labels", []):
        for each in filter(None, (manifest, template, *spec.get("volumeClaimTemplates", []))):
            each["metadata"].setdefault("labels", {}).update(label["pairs"])
    tags = {each["name"]: each["newTag"] for each in told.get("images", [])}
    for container in (template or {}).get("spec", {}).get("containers", []):
        if tag := tags.get(container["image"]):
            container["image"] += f":{tag}"
