"""deploy/kubernetes against the services: settings, addresses, secrets, the network, and what Prometheus scrapes."""

import re
from pathlib import Path

import pytest
import yaml

from admin_ui.rush.child import INHERITED
from runtime.process import ProcessSettings
from runtime.settings import SettingsError, load
from tests.support.composition import ROOT
from tests.support.manifests import (
    ANYWHERE,
    BUILDS,
    PACKAGES,
    calls,
    container,
    half_calls,
    of_kind,
    pod,
    ports,
    settings,
    workload,
)
from tests.unit.docs.pages import DOCS
from tests.unit.project.test_compose_file import SETTINGS, defaults

HOST_PORT = re.compile(r"(?:(?:https|dns)://)?([a-z][a-z0-9.-]*):(\d+)")
MADE_BY_THE_DATABASE = {"order-book-app", "order-book-ca"}
HOW_TO = (DOCS / "how-to/run-on-kubernetes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("build", BUILDS)
def test_a_service_reads_each_of_its_settings_and_can_use_it(build: str, name: str, tmp_path: Path) -> None:
    known = set(defaults(PACKAGES[name])) | {
        field.metadata["env"] for field in ProcessSettings.__dataclass_fields__.values()
    }
    known |= set(INHERITED) if name == "console" else set()
    told = settings(build, name)
    assert told.keys() <= known
    if "ORDER_BOOK_PASSWORD_FILE" in told:
        (tmp_path / "password").touch()
        told["ORDER_BOOK_PASSWORD_FILE"] = str(tmp_path / "password")
    load(SETTINGS[PACKAGES[name]], told)
    load(ProcessSettings, told)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_service_that_lost_its_secrets_does_not_start_without_them(name: str) -> None:
    told = settings("base", name)
    del told["TLS_KEY"]
    with pytest.raises(SettingsError, match="TLS_KEY"):
        load(SETTINGS[PACKAGES[name]], told)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_container_s_ports_are_those_on_which_its_service_listens(name: str) -> None:
    told = settings("base", name)
    listens = {
        int(told.get(each, default))
        for each, default in defaults(PACKAGES[name]).items()
        if each.endswith("_PORT")
    }
    assert set(ports("base", name).values()) == listens


def addresses(build: str, name: str) -> set[tuple[str, int]]:
    """Return the hosts and ports of the grid that are in a service's settings."""
    told = settings(build, name)
    told.pop("ALLOWED_HOSTS", None)
    order_book = told.pop("ORDER_BOOK", "").partition("@")[2].partition("/")[0]
    parts = [part for value in told.values() for part in value.split(",")] + [order_book]
    found = [match for part in parts if (match := HOST_PORT.fullmatch(part))]
    return {(match[1], int(match[2])) for match in found if not match[1].isdecimal()}


def served(build: str) -> dict[tuple[str, int], str]:
    """Return which pods are behind each address: of services, of single pods, and of the database."""
    found: dict[tuple[str, int], str] = {}
    for name, service in of_kind(build, "Service").items():
        behind = service["spec"]["selector"]["app.kubernetes.io/name"]
        hosts = [name]
        if service["spec"].get("clusterIP") == "None":
            hosts += [f"{behind}-{i}.{name}" for i in range(workload(build, behind)["spec"]["replicas"])]
        found |= {(host, port["port"]): behind for host in hosts for port in service["spec"]["ports"]}
    return found | {(f"{name}-rw", 5432): name for name in of_kind(build, "Cluster")}


@pytest.mark.parametrize("build", BUILDS)
def test_an_address_in_a_setting_leads_to_pods_that_the_network_lets_it_reach(build: str) -> None:
    behind, allowed = served(build), calls(build)
    for name in PACKAGES:
        for host, port in addresses(build, name):
            assert (name, behind[host, port], port) in allowed, f"{name} calls {host}:{port}"
    assert addresses(build, "substation") == set()


@pytest.mark.parametrize("build", BUILDS)
def test_a_gateway_knows_every_balancer(build: str) -> None:
    count = workload(build, "balancer")["spec"]["replicas"]
    expected = [f"balancer-{number}.balancer:9001" for number in range(count)]
    assert settings(build, "gateway")["BALANCER"].split(",") == expected


def test_the_console_follows_every_balancer_and_may_send_a_rush_hour_by_each() -> None:
    console, replicas = (
        settings("postgresql", "console"),
        workload("postgresql", "balancer")["spec"]["replicas"],
    )
    expected = [f"https://balancer-{number}.balancer:8001" for number in range(replicas)]
    assert replicas > 1
    assert console["BALANCER_URL"].split(",") == expected
    assert set(expected) <= set(console["LOADTEST_TARGETS"].split(","))


@pytest.mark.parametrize("build", BUILDS)
def test_a_service_is_called_by_names_that_it_allows(build: str) -> None:
    console = addresses(build, "console")
    for callee in ("balancer", "gateway"):
        names = {host for host, port in console if served(build)[host, port] == callee}
        assert names <= set(settings(build, callee)["ALLOWED_HOSTS"].split(","))
        assert names


BASE_CALLS = {
    (ANYWHERE, "gateway", 8000),
    (ANYWHERE, "console", 8080),
    ("gateway", "balancer", 9001),
    ("balancer", "substation", 8101),
    ("balancer", "substation", 9101),
    ("console", "balancer", 8001),
    ("console", "gateway", 8000),
    ("console", "gateway", 8010),
    ("console", "substation", 8101),
}
MORE_CALLS = {
    ("balancer", "order-book", 5432),
    ("order-book", "order-book", 5432),
    ("order-book", "order-book", 8000),
    ("cnpg-system", "order-book", 5432),
    ("cnpg-system", "order-book", 8000),
    ("monitoring", "substation", 8101),
    ("monitoring", "balancer", 8001),
    ("monitoring", "gateway", 8010),
    ("monitoring", "console", 8081),
}


def test_the_network_has_the_arrows_of_the_architecture_and_no_other() -> None:
    assert calls("base") == BASE_CALLS
    assert calls("postgresql") == BASE_CALLS | MORE_CALLS


@pytest.mark.parametrize("build", BUILDS)
def test_both_ends_of_a_call_allow_it(build: str) -> None:
    assert half_calls(build) == set()


@pytest.mark.parametrize("build", BUILDS)
def test_everything_that_no_policy_names_is_shut(build: str) -> None:
    shut = of_kind(build, "NetworkPolicy")["nothing-else"]["spec"]
    assert shut == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("build", BUILDS)
def test_a_file_in_a_setting_is_mounted_from_a_secret_that_the_guide_makes(build: str, name: str) -> None:
    mounts = {each["mountPath"]: each for each in container(build, name)["volumeMounts"]}
    volumes = {each["name"]: each for each in pod(build, name)["volumes"]}
    for setting, value in settings(build, name).items():
        if not value.startswith("/") or setting == "RUNS_DIR":
            continue
        path = Path(value)
        mount = mounts.get(value) or mounts[str(path.parent)]
        assert mount["readOnly"] is True
        for secret, key in files(volumes[mount["name"]], mount.get("subPathExpr", path.name)):
            assert secret in MADE_BY_THE_DATABASE or made_by_the_guide(secret, key), f"{secret}: {key}"


def files(volume: dict[str, dict[str, object]], name: str) -> list[tuple[str, str]]:
    """Return the secret and the key in it that is the file of this name."""
    if "secret" in volume:
        return [(str(volume["secret"]["secretName"]), name)]
    sources = volume["projected"]["sources"]
    assert isinstance(sources, list)
    found = [
        (each["secret"]["name"], item["key"])
        for each in sources
        for item in each["secret"]["items"]
        if item["path"] == name
    ]
    assert len(found) == 1
    return found


def made_by_the_guide(secret: str, key: str) -> bool:
    """Return whether a command of the guide makes a secret with a key; a substation's keys are its ids."""
    commands = [
        line.replace("$role", role)
        for line in HOW_TO.replace("\\\n", " ").splitlines()
        for role in ("balancer", "console", "gateway")
    ]
    makes = [each for each in commands if re.search(rf"create secret \w+ {secret}( |$)", each)]
    if key in {"tls.crt", "tls.key"}:
        return any(f"create secret tls {secret} --cert=" in each for each in makes)
    return any(f"--from-file={key.replace('$(SUBSTATION_ID)', '$id')}=" in each for each in makes)


def test_a_service_has_its_own_certificate_and_the_key_of_no_other_one() -> None:
    for name in PACKAGES:
        secrets = {each["secret"]["secretName"] for each in pod("base", name)["volumes"] if "secret" in each}
        own = "tls-substations" if name == "substation" else f"tls-{name}"
        assert {secret for secret in secrets if secret.startswith("tls-")} == {own}
    mount = next(each for each in container("base", "substation")["volumeMounts"] if each["name"] == "tls")
    assert mount["subPathExpr"] == "$(SUBSTATION_ID).pem"  # one file, not the folder of all


def test_the_operator_token_is_with_the_console_and_a_digest_with_those_who_check_it() -> None:
    for name, expected in {
        "console": {"operator-token"},
        "balancer": {"operator-token-digest"},
        "substation": {"operator-token-digest"},
        "gateway": set(),
    }.items():
        secrets = {each["secret"]["secretName"] for each in pod("base", name)["volumes"] if "secret" in each}
        assert {secret for secret in secrets if secret.startswith("operator")} == expected


def test_prometheus_scrapes_as_in_containers_under_the_names_of_its_rules() -> None:
    path = ROOT / "monitoring/prometheus/prometheus.yml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    expected = {
        (job["job_name"], job["tls_config"]["server_name"], job["dns_sd_configs"][0]["port"])
        for job in told["scrape_configs"]
        if job.get("scheme") == "https"
    }
    found = set()
    for monitor in of_kind("postgresql", "ServiceMonitor").values():
        selector, (endpoint,) = monitor["spec"]["selector"], monitor["spec"]["endpoints"]
        (service,) = (
            each
            for each in of_kind("postgresql", "Service").values()
            if selector["matchLabels"].items() <= each["metadata"]["labels"].items()
            and selector["matchExpressions"][0]["key"] in each["metadata"]["labels"]
        )
        (port,) = (each["port"] for each in service["spec"]["ports"] if each["name"] == endpoint["port"])
        job = service["metadata"]["labels"][monitor["spec"]["jobLabel"]]
        found.add((job, endpoint["tlsConfig"]["serverName"], port))
        assert endpoint["interval"] == told["global"]["scrape_interval"]
        assert endpoint["scrapeTimeout"] == told["global"]["scrape_timeout"]
        for key in ("ca.pem", "cert.pem", "key.pem"):
            assert f"--from-file={key}=" in HOW_TO
    assert found == expected


def test_the_order_book_is_checked_by_its_certificate_and_safe_on_two_machines() -> None:
    assert "sslmode=verify-full" in settings("postgresql", "balancer")["ORDER_BOOK"]
    cluster = of_kind("postgresql", "Cluster")["order-book"]["spec"]
    book = settings("postgresql", "balancer")["ORDER_BOOK"]
    assert f"//{cluster['bootstrap']['initdb']['owner']}@order-book-rw:" in book
    assert f"/{cluster['bootstrap']['initdb']['database']}?" in book
    assert cluster["instances"] > cluster["postgresql"]["synchronous"]["number"] + 1
    assert cluster["postgresql"]["synchronous"]["dataDurability"] == "required"
