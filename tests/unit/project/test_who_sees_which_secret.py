"""Which service sees which secret: the composition and the stack are held to a table. What is not in it, nobody sees."""

from typing import Any

import yaml

from tests.support.composition import ROOT, services

CERTIFICATE = "its own certificate and key"
# The volumes of the composition that hold secrets or private data, and whose data they are.
HOLDS = {
    "console": "accounts, device key, audit log",
    "orders": "order book",
    "secrets": "API key in clear",
    "secrets-balancer": "digest of the operator token, database password",
    "secrets-database": "database password",
    "secrets-gateway": "digests of API keys",
    "secrets-grafana": "Grafana's password",
    "secrets-substations": "digest of the operator token",
    "substations": "journals",
    "tls-authority": "key of the authority",
    "tls-balancer": CERTIFICATE,
    "tls-console": f"{CERTIFICATE}, operator token",
    "tls-gateway": f"{CERTIFICATE}, certificate for charge points",
    "tls-operator": f"{CERTIFICATE}, operator token",
    "tls-prometheus": CERTIFICATE,
    "tls-substations": CERTIFICATE,
}
NO_SECRETS = {"alertmanager", "database", "grafana", "prometheus", "runs"}
SEES = {
    "setup": {name for name in HOLDS if name.startswith(("secrets", "tls-"))} | {"console"},
    "substation": {"substations", "secrets-substations", "tls-substations"},
    "balancer": {"orders", "secrets-balancer", "tls-balancer"},
    "gateway": {"secrets-gateway", "tls-gateway"},
    "admin_ui": {"console", "tls-console"},
    "loadtest": {"tls-operator"},
    "prometheus": {"tls-prometheus"},
    "grafana": {"secrets-grafana"},
    "alertmanager": set[str](),
    "database": {"secrets-database"},
}
# The secrets of the stack: a node has its substation's own file, and people mount API keys where they need them.
SWARM_SEES = {
    "substation": {"operator-token-digest"},
    "balancer": {"operator-token-digest", "tls-balancer"},
    "gateway": {"tls-gateway"},
    "admin_ui": {"operator-token", "tls-console"},
}
READS_FROM = ("/secrets/", "/tls/", "/data", "/runs", "/run/secrets/")


def mounted(service: dict[str, Any]) -> set[str]:
    """Return the volumes of a service; folders of the project are none."""
    names = {volume.split(":")[0] for volume in service.get("volumes", [])}
    return {name for name in names if not name.startswith("./")}


def test_each_volume_is_known_to_hold_secrets_or_none() -> None:
    every = {name for service in services().values() for name in mounted(service)}
    assert every == HOLDS.keys() | NO_SECRETS


def test_a_service_of_the_composition_sees_the_secrets_of_the_table_and_no_other_one() -> None:
    assert {name: mounted(service) - NO_SECRETS for name, service in services().items()} == SEES


def test_a_service_of_the_stack_sees_the_secrets_of_the_table_and_no_other_one() -> None:
    stack = yaml.safe_load((ROOT / "deploy/swarm/stack.yml").read_text(encoding="utf-8"))
    seen = {
        name: {each["source"] if isinstance(each, dict) else each for each in service.get("secrets", [])}
        for name, service in stack["services"].items()
    }
    assert seen == SWARM_SEES
    assert set().union(*SWARM_SEES.values()) == stack["secrets"].keys()


def test_what_a_service_is_told_to_read_is_on_a_volume_that_it_has() -> None:
    for name, service in services().items():
        places = [volume.split(":")[1] for volume in service.get("volumes", [])]
        for value in map(str, service.get("environment", {}).values()):
            if value.startswith(READS_FROM):
                assert any(value.startswith(place) for place in places), (name, value)
