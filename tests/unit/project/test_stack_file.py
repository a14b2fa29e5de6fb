"""deploy/swarm/stack.yml: what can be known of it without a swarm. `make swarm-test` tries it on one."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from admin_ui.rush.child import INHERITED
from runtime.process import STOP_WITHIN_S, ProcessSettings
from runtime.settings import SettingsError, load
from tests.support.composition import ROOT, interpolated
from tests.support.composition import services as compose_services
from tests.unit.project.test_compose_file import SETTINGS, defaults

STACK_FILE = ROOT / "deploy/swarm/stack.yml"
TASKS = re.compile(r"^(?:(?:dns|https?)://)?tasks\.([a-z_]+):(\d+)$")
SERVICES = ("admin_ui", "balancer", "gateway", "substation")


def whole(**given: str) -> dict[str, Any]:
    found = yaml.safe_load(interpolated(STACK_FILE.read_text(encoding="utf-8"), given))
    assert isinstance(found, dict)
    return found


def services(**given: str) -> dict[str, dict[str, Any]]:
    return {name: dict(each) for name, each in whole(**given)["services"].items()}


def environment(service: str, **given: str) -> dict[str, str]:
    told = services(**given)[service]["environment"].items()
    found = {name: "" if value is None else str(value) for name, value in told}
    return {name: value.replace("{{.Node.Hostname}}", "node-1") for name, value in found.items()}


def test_it_has_the_services_that_admit_cars_and_the_console() -> None:
    assert services().keys() == set(SERVICES)
    for name, service in services().items():
        assert service["command"] == ["python", "-m", name]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_what_it_reads_and_can_use(name: str) -> None:
    known = set(defaults(name)) | {
        field.metadata["env"] for field in ProcessSettings.__dataclass_fields__.values()
    }
    known |= set(INHERITED) if name == "admin_ui" else set()
    told = environment(name, ALLOW_ANONYMOUS="1")
    assert told.keys() <= known
    load(SETTINGS[name], told)


def test_a_gateway_that_all_may_reach_asks_for_keys_unless_told_otherwise() -> None:
    with pytest.raises(SettingsError, match="API_KEYS is not set"):
        load(SETTINGS["gateway"], environment("gateway"))


def test_a_name_leads_to_tasks_that_listen_there() -> None:
    seen = set()
    for name in SERVICES:
        for value in ",".join(environment(name).values()).split(","):
            if found := TASKS.fullmatch(value):
                assert found[2] in listens(found[1])
                seen.add(found[1])
        assert services()[name]["deploy"]["endpoint_mode"] == "dnsrr"
    assert seen == {"balancer", "gateway", "substation"}


def listens(service: str) -> set[str]:
    """Return the ports on which a service listens."""
    set_here = environment(service)
    return {set_here.get(key, port) for key, port in defaults(service).items() if key.endswith("_PORT")}


def test_a_service_has_its_own_certificate_and_the_key_of_no_other_one() -> None:
    roles = {"admin_ui": "console", "balancer": "balancer", "gateway": "gateway"}
    for name, role in roles.items():
        mounted = [each for each in services()[name]["secrets"] if isinstance(each, dict)]
        assert mounted == [{"source": f"tls-{role}", "target": "tls.pem", "uid": "10001", "mode": 0o400}]
        assert environment(name)["TLS_KEY"] == "/run/secrets/tls.pem"
    assert services()["substation"]["volumes"][1] == "/etc/smart-grid:/tls:ro"  # of its node
    tokens = {name: each["environment"].get("OPERATOR_TOKEN_FILE", "") for name, each in services().items()}
    assert [name for name, file in tokens.items() if file.endswith("operator-token")] == ["admin_ui"]


def test_a_substation_is_its_node_and_a_volume_has_one_writer() -> None:
    substation, balancer = services()["substation"], services()["balancer"]
    assert substation["environment"]["SUBSTATION_ID"] == "{{.Node.Hostname}}"
    assert substation["deploy"]["mode"] == "global"
    console = services()["admin_ui"]
    for service in (balancer, console):
        assert (service["deploy"].get("mode", "replicated"), service["deploy"]["replicas"]) == (
            "replicated",
            1,
        )
    volumes = [each["volumes"] for each in (substation, balancer, console)]
    assert [each[0] for each in volumes] == [f"{name}:/data" for name in ("substations", "orders", "console")]
    assert whole()["volumes"].keys() == {"substations", "orders", "console"}
    for service in (substation, balancer, console):
        assert service["deploy"]["placement"]["constraints"]
        assert service["deploy"]["update_config"]["order"] == "stop-first"


def test_what_is_published_is_where_a_service_listens_and_the_console_wants_tls_in_front() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published.keys() == {"gateway", "admin_ui"}
    for name, ports in published.items():
        for port in ports:
            assert port["mode"] == "host"  # each node's own: dnsrr has no virtual address to publish
            assert str(port["target"]) in defaults(name).values()
    assert environment("admin_ui")["BEHIND_TLS_PROXY"] == "1"


def test_prometheus_is_that_of_the_composition_with_its_files_as_configs() -> None:
    path = ROOT / "deploy/swarm/prometheus.yml"
    told = yaml.safe_load(interpolated(path.read_text(encoding="utf-8")))
    prometheus, composed = told["services"]["prometheus"], compose_services()["prometheus"]
    for name in ("image", "command", "volumes"):
        kept = {each for each in composed[name] if not each.startswith(("./", "tls-"))}
        assert set(prometheus[name]) >= kept
    mounted = {
        each["target"]: (path.parent / told["configs"][each["source"]]["file"]).resolve()
        for each in prometheus["configs"]
    }
    folder = ROOT / "monitoring/prometheus"
    files = [folder / "prometheus.yml", *(folder / "rules").glob("*.yml")]
    assert mounted == {f"/etc/prometheus/{file.relative_to(folder)}": file for file in files}
    assert "ports" not in prometheus  # it asks nobody who they are
    assert (prometheus["read_only"], prometheus["cap_drop"]) == (True, ["ALL"])


def test_a_load_test_can_join_the_network() -> None:
    assert whole()["networks"]["default"] == {"driver": "overlay", "attachable": True}


@pytest.mark.parametrize("name", SERVICES)
def test_a_task_is_shut_in_and_bounded(name: str) -> None:
    service = services()[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert {"memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
    assert int(service["stop_grace_period"].removesuffix("s")) > STOP_WITHIN_S
    assert "depends_on" not in service  # an engine of many machines has no order


@pytest.mark.parametrize("name", SERVICES)
def test_a_task_is_replaced_when_it_hangs_and_not_when_it_waits_for_others(name: str) -> None:
    *_, url = services()[name]["healthcheck"]["test"]
    assert urlsplit(url).path == "/livez"
    assert str(urlsplit(url).port) in listens(name)
