"""What the tests ask the manifests of deploy/kubernetes: the pods, their settings, and who may call whom."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.kustomization import Manifest, built

BUILDS = ("base", "postgresql")
WORKLOADS = {"Deployment", "StatefulSet"}
PACKAGES = {"substation": "substation", "balancer": "balancer", "gateway": "gateway", "console": "admin_ui"}
NAME = "app.kubernetes.io/name"
ANYWHERE = "anywhere"
Call = tuple[str, str, int]


def of_kind(build: str, *kinds: str) -> dict[str, Manifest]:
    """Return the resources of some kinds by their names."""
    return {each["metadata"]["name"]: each for each in built(build) if each["kind"] in kinds}


def workload(build: str, name: str) -> Manifest:
    """Return the Deployment or StatefulSet of a service."""
    return of_kind(build, *WORKLOADS)[name]


def pod(build: str, name: str) -> Manifest:
    """Return the specification of a service's pods."""
    found: Manifest = workload(build, name)["spec"]["template"]["spec"]
    return found


def container(build: str, name: str) -> Manifest:
    """Return the one container of a service's pods."""
    (found,) = pod(build, name)["containers"]
    assert isinstance(found, dict)
    return found


def settings(build: str, name: str) -> dict[str, str]:
    """Return the environment of a service in a pod; a field of the pod is that of its first one."""
    found: dict[str, str] = {}
    for source in container(build, name).get("envFrom", []):
        found |= of_kind(build, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    first = f"{name}-{workload(build, name)['spec'].get('ordinals', {}).get('start', 0)}"
    for each in container(build, name)["env"]:
        assert each["name"] not in found, f"{each['name']} is set twice"
        found[each["name"]] = each.get("value", first)
    return found


def ports(build: str, name: str) -> dict[str, int]:
    """Return the named ports of a service's container."""
    return {each["name"]: each["containerPort"] for each in container(build, name)["ports"]}


def calls(build: str) -> set[Call]:
    """Return who may call whom at which port, as far as both the caller's policies and the callee's allow it.

    Callers outside of the namespace are `anywhere`, or the name of their namespace. Calls to the outside are left out.
    """
    sent, taken = _sent(build), _taken(build)
    inside = {call for call in sent if call in taken or (ANYWHERE, *call[1:]) in taken}
    return inside | {call for call in taken if call[0] not in _pods(build)}


def half_calls(build: str) -> set[Call]:
    """Return the calls within the namespace that one side's policies allow and the other's do not."""
    return {call for call in _sent(build) | _taken(build) if call[0] in _pods(build)} - calls(build)


def _pods(build: str) -> set[str]:
    return {*PACKAGES, *of_kind(build, "Cluster")}


def _sent(build: str) -> set[Call]:
    """Return the calls that the callers' policies allow, within the namespace."""
    policies = of_kind(build, "NetworkPolicy").values()
    found = {call for each in policies for call in _rules(each, "Egress", _pods(build))}
    return {call for call in found if call[1] in _pods(build)}


def _taken(build: str) -> set[Call]:
    """Return the calls that the callees' policies allow."""
    policies = of_kind(build, "NetworkPolicy").values()
    found = {call for each in policies for call in _rules(each, "Ingress", _pods(build))}
    return {(caller, callee, port) for callee, caller, port in found}


def _rules(policy: Manifest, direction: str, peers: set[str]) -> Iterator[Call]:
    """Yield (pods that the policy is for, other side, port) of its rules of one direction."""
    rules, side = policy["spec"].get(direction.lower(), []), "to" if direction == "Egress" else "from"
    for owner in _selected(policy["spec"]["podSelector"], peers):
        for rule in rules:
            for peer in rule.get(side, [{}]):
                for port in rule["ports"]:
                    yield from ((owner, other, port["port"]) for other in _others(peer, peers))


def _others(peer: Mapping[str, Any], peers: set[str]) -> set[str]:
    if not peer:
        return {ANYWHERE}
    if "namespaceSelector" in peer:
        return {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]}
    return _selected(peer["podSelector"], peers)


def _selected(selector: Mapping[str, Any], peers: set[str]) -> set[str]:
    """Return the pods that a selector means; those of a database have the label of its operator."""
    if not selector:
        return peers
    assert selector.keys() == {"matchLabels"}
    ((key, name),) = selector["matchLabels"].items()
    assert key == ("cnpg.io/cluster" if name not in PACKAGES else NAME)
    assert name in peers, f"a policy for {name}, which is not there"
    return {name}
