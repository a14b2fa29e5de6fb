"""docker-compose.yml: what can be known of it without an engine. `make compose-test` tries it on one."""

import ast
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from compose_spec import PyCompose

import admin_ui.settings
import balancer.settings
import gateway.settings
import substation.settings
from admin_ui.rush.child import INHERITED
from runtime.process import STOP_WITHIN_S, ProcessSettings
from runtime.settings import SettingsError, load
from tests.support.composition import COMPOSE_FILE, ROOT, VARIABLE, ours, published, services, whole
from tests.unit.docs.pages import DOCS, rows, sections

SETTINGS: dict[str, Any] = {
    "gateway": gateway.settings.Settings,
    "balancer": balancer.settings.Settings,
    "substation": substation.settings.Settings,
    "admin_ui": admin_ui.settings.Settings,
}
ONCE = {"setup", "loadtest"}
BEHIND_A_NAME = re.compile(r"^(?:(?:https?|dns)://)?([a-z_]+):(\d+)$")
IMAGE_ENV = {"DATA_DIR": "/data"}


def defaults(service: str) -> dict[str, str]:
    fields = SETTINGS[service].__dataclass_fields__.values()
    return {field.metadata["env"]: field.metadata["default"] for field in fields}


def ports(service: str) -> set[int]:
    """Return the ports on which a service listens, as long as nobody sets others."""
    set_here = services()[service]["environment"]
    return {
        int(set_here.get(name, default))
        for name, default in defaults(service).items()
        if name.endswith("_PORT")
    }


def environment(service: str, **given: str) -> dict[str, str]:
    told = services(given)[service]["environment"].items()
    return IMAGE_ENV | {name: "" if value is None else str(value) for name, value in told}


def test_it_is_of_the_compose_model() -> None:
    text = yaml.safe_dump(whole())
    PyCompose.from_yaml(text).validate()
    with pytest.raises(ValueError, match="restrat"):
        PyCompose.from_yaml(text.replace("restart:", "restrat:"))


def test_every_service_of_the_project_is_in_it_and_runs_itself() -> None:
    commands = {name: each["command"] for name, each in ours().items()}
    assert {name: ["python", "-m", name] for name in SETTINGS}.items() <= commands.items()
    assert commands["setup"] == ["python", "-m", "deploy.compose.setup"]
    assert commands["loadtest"][:3] == ["python", "-m", "loadtest"]


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_is_given_only_what_it_reads(service: str) -> None:
    known = set(defaults(service)) | {
        field.metadata["env"] for field in ProcessSettings.__dataclass_fields__.values()
    }
    known |= set(INHERITED) if service == "admin_ui" else set()
    assert set(services()[service]["environment"]) <= known


def test_the_ones_that_end_are_given_only_what_they_read() -> None:
    script = (ROOT / "deploy/compose/setup.py").read_text(encoding="utf-8")
    read = set(re.findall(r"environ\.get\(['\"]([A-Z_]+)['\"]\)", script))
    assert set(services()["setup"]["environment"]) == read
    documented = rows(sections(DOCS / "reference/settings.md")["`make rush-hour`"])
    assert set(services()["loadtest"]["environment"]) <= documented.keys()


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_can_use_what_it_is_given(service: str) -> None:
    load(SETTINGS[service], environment(service))


@pytest.mark.parametrize("service", ["gateway", "admin_ui"])
def test_a_service_that_is_published_to_other_machines_asks_for_protection(service: str) -> None:
    with pytest.raises(SettingsError, match=r"0\.0\.0\.0 lets other machines in"):
        load(SETTINGS[service], environment(service, PUBLISH_ADDRESS="0.0.0.0"))
    protected = {"API_KEYS": "/secrets/api-keys.txt", "BEHIND_TLS_PROXY": "1"}
    load(SETTINGS[service], environment(service, PUBLISH_ADDRESS="0.0.0.0", **protected))


def test_a_published_port_is_where_the_service_listens() -> None:
    for name in SETTINGS:
        inside = {port for _, _, port in published(services()[name])}
        assert inside <= ports(name)
    assert {name for name, each in services().items() if published(each)} & SETTINGS.keys() == {
        "gateway",
        "admin_ui",
    }


def test_only_this_machine_is_let_in_unless_told_otherwise() -> None:
    for given, expected in (({}, "127.0.0.1"), ({"PUBLISH_ADDRESS": "192.0.2.7"}, "192.0.2.7")):
        addresses = {address for each in services(given).values() for address, _, _ in published(each)}
        assert addresses == {expected}


def test_a_name_in_a_setting_is_a_service_that_listens_there() -> None:
    seen = set()
    for service in ours().values():
        for value in service["environment"].values():
            for part in str(value).split(","):
                if found := BEHIND_A_NAME.fullmatch(part):
                    assert int(found[2]) in ports(found[1]), part
                    seen.add(found[1])
    assert seen == {"substation", "balancer", "gateway"}


def test_a_health_check_asks_for_readiness_where_the_service_listens() -> None:
    for name in SETTINGS:
        *command, url = services()[name]["healthcheck"]["test"]
        assert command == ["CMD", "python", "-m", "runtime.probe"]
        parts = urlsplit(url)
        assert (parts.hostname, parts.path) == ("127.0.0.1", "/readyz")
        assert parts.port in ports(name)


def test_services_wait_for_those_that_they_name_until_they_are_ready() -> None:
    waited = {name: each.get("depends_on", {}) for name, each in services().items()}
    for name, service in ours().items():
        for value in service["environment"].values():
            for part in str(value).split(","):
                if found := BEHIND_A_NAME.fullmatch(part):
                    assert found[1] in before(name, waited), f"{name} does not wait for {found[1]}"
    for conditions in waited.values():
        for name, told in conditions.items():
            expected = "service_completed_successfully" if name in ONCE else "service_healthy"
            assert told["condition"] == expected
            assert name in ONCE or "healthcheck" in services()[name]


def test_who_reads_a_secret_waits_until_it_is_made() -> None:
    for name, service in services().items():
        reads = any(volume.startswith(("secrets", "tls-")) for volume in service.get("volumes", []))
        if reads and name != "setup":
            assert "setup" in service["depends_on"]


def before(name: str, waited: dict[str, Any]) -> set[str]:
    """Return everything that is there before a service starts; fails on a circle."""
    found: set[str] = set()
    layer = set(waited[name])
    while layer:
        assert name not in layer
        found |= layer
        layer = {further for each in layer for further in waited[each]} - found
    return found


@pytest.mark.parametrize("name", services())
def test_a_container_is_shut_in(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "mem_limit"} <= service.keys()
    assert 0 < service["pids_limit"] <= 512
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "userns_mode"} & service.keys()


@pytest.mark.parametrize("name", services())
def test_a_container_is_started_again_and_its_log_is_bounded(name: str) -> None:
    service = services()[name]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_has_the_time_that_it_takes_to_stop(name: str) -> None:
    assert int(services()[name]["stop_grace_period"].removesuffix("s")) > STOP_WITHIN_S


@pytest.mark.parametrize("name", services())
def test_an_image_has_a_tag_that_stays(name: str) -> None:
    _, _, tag = services()[name]["image"].rpartition(":")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+|\d+\.\d+-bookworm", tag)  # PostgreSQL counts in two numbers


def test_three_substations_share_a_volume_of_slots() -> None:
    substations = services()["substation"]
    assert substations["deploy"]["replicas"] == 3
    assert "SUBSTATION_ID" not in substations["environment"]  # each takes the first free slot
    assert substations["volumes"] == [
        "substations:/data",
        "secrets-substations:/secrets:ro",
        "tls-substations:/tls:ro",
    ]
    assert "container_name" not in substations
    assert "ports" not in substations


def test_volumes_are_named_and_all_in_use() -> None:
    used, bound = set[str](), set[str]()
    for each in services().values():
        for volume in each.get("volumes", []):
            (bound if volume.startswith("./") else used).add(volume.split(":")[0])
    assert used == set(whole()["volumes"])
    assert {path for path in bound if not (ROOT / path).exists()} == set()


def test_what_is_kept_is_written_to_a_volume_and_secrets_only_by_their_maker() -> None:
    for name, service in ours().items():
        kept = {value for key, value in service.get("environment", {}).items() if key == "RUNS_DIR"}
        assert kept <= {volume.split(":")[1] for volume in service.get("volumes", [])}
        if name != "setup":
            given = [each for each in service["volumes"] if each.startswith(("secrets", "tls-"))]
            assert all(volume.endswith(":ro") for volume in given)


def test_a_service_has_its_own_certificate_and_the_key_of_no_other_one() -> None:
    owners = {"admin_ui": "console", "loadtest": "operator", "substation": "substations"}
    for name, service in services().items():
        mounted = [volume for volume in service.get("volumes", []) if volume.startswith("tls-")]
        if name == "setup":
            assert {volume.split(":")[0] for volume in mounted} == {
                volume for volume in whole()["volumes"] if volume.startswith("tls-")
            }
        elif name in {*SETTINGS, "loadtest", "prometheus"}:
            assert mounted == [f"tls-{owners.get(name, name)}:/tls:ro"]
        else:
            assert mounted == []


def test_the_operator_token_is_with_the_console_and_the_load_test_and_a_digest_elsewhere() -> None:
    files = {name: each["environment"].get("OPERATOR_TOKEN_FILE") for name, each in ours().items()}
    assert files == {
        "setup": None,
        "gateway": None,
        "substation": "/secrets/operator-token.sha256",
        "balancer": "/secrets/operator-token.sha256",
        "admin_ui": "/tls/operator-token",
        "loadtest": "/tls/operator-token",
    }


def test_prometheus_looks_for_the_services_where_they_listen() -> None:
    path = ROOT / "monitoring/prometheus/prometheus.yml"
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["scrape_configs"]
    looked_up = {
        (name, each["port"])
        for job in jobs
        for each in job.get("dns_sd_configs", [])
        for name in each["names"]
    }
    assert {name for name, _ in looked_up} == SETTINGS.keys()
    assert all(port in ports(name) for name, port in looked_up)
    roles = {
        job["job_name"]: job["tls_config"]["server_name"] for job in jobs if job.get("scheme") == "https"
    }
    assert roles == {name: {"admin_ui": "console"}.get(name, name) for name in SETTINGS}


def test_grafana_finds_what_it_is_provisioned_with() -> None:
    mounts = {volume.split(":")[1]: volume.split(":")[0] for volume in services()["grafana"]["volumes"]}
    provisioning = ROOT / mounts["/etc/grafana/provisioning"]
    told = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in provisioning.rglob("*.yml")]
    providers = [each for page in told for each in page.get("providers", [])]
    assert [each["options"]["path"] for each in providers] == ["/etc/grafana/smartgrid"]
    assert list((ROOT / mounts["/etc/grafana/smartgrid"]).glob("*.json"))
    (source,) = [each for page in told for each in page.get("datasources", [])]
    assert urlsplit(source["url"]).hostname in services()


def test_grafana_s_password_is_a_secret_that_setup_makes() -> None:
    grafana = services()["grafana"]
    assert "GF_SECURITY_ADMIN_PASSWORD" not in grafana["environment"]
    kept = Path(grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"])
    script = (ROOT / "deploy/compose/setup.py").read_text(encoding="utf-8")
    assert f'given(FOR_GRAFANA, "{kept.name}"' in script
    assert "secrets-grafana:/secrets:ro" in grafana["volumes"]


def test_variables_are_those_of_the_how_to() -> None:
    used = dict(VARIABLE.findall(COMPOSE_FILE.read_text(encoding="utf-8")))
    table = rows(sections(DOCS / "how-to/run-in-containers.md")["variables"])
    assert {name: cells[1].strip("`").replace("(empty)", "") for name, cells in table.items()} == used


def test_the_setup_s_paths_are_those_of_the_volumes() -> None:
    tree = ast.parse((ROOT / "deploy/compose/setup.py").read_text(encoding="utf-8"))
    paths = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {volume.split(":")[1] for volume in services()["setup"]["volumes"]} <= paths
