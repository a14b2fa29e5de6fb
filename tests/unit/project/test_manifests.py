"""deploy/kubernetes: valid for two versions of Kubernetes, shut in, and what a cluster does with it.

No cluster has run it. `make kubernetes-test` builds it with kubectl, and lets a cluster validate it.
"""

import copy
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from runtime.process import STOP_WITHIN_S
from runtime.settings import SettingsError, load
from tests.support.composition import ours
from tests.support.kustomization import Manifest, built
from tests.support.manifests import (
    BUILDS,
    NAME,
    PACKAGES,
    WORKLOADS,
    container,
    of_kind,
    pod,
    ports,
    workload,
)
from tests.unit.project.manifest_schemas import SCHEMAS
from tests.unit.project.test_compose_file import IMAGE_ENV, SETTINGS
from tests.unit.project.test_dockerfile import DOCKERFILE

VERSIONS = ("1.34", "1.37")  # the oldest that is maintained, and the newest
BEHIND_CERTIFICATES = {"balancer", "substation"}


def check(manifest: Manifest, version: str) -> None:
    """Raise jsonschema.ValidationError for what a cluster would not accept."""
    if schema := SCHEMAS.get(manifest["kind"]):
        jsonschema.validate(manifest, schema)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("build", BUILDS)
def test_every_manifest_is_one_that_the_api_accepts(build: str, version: str) -> None:
    manifests = built(build)
    for each in manifests:
        check(each, version)
    broken = copy.deepcopy(manifests)
    for each in broken:
        (each.get("spec") or each)["replcas"] = 1
        with pytest.raises(jsonschema.ValidationError, match="replcas"):
            check(each, version)


def test_what_the_base_needs_is_in_every_cluster() -> None:
    groups = {each["apiVersion"].rpartition("/")[0] for each in built("base")}
    assert groups == {"", "apps", "networking.k8s.io", "policy"}


@pytest.mark.parametrize("build", BUILDS)
def test_a_resource_is_there_once_and_in_the_namespace_of_the_grid(build: str) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in built(build)]
    assert len(set(names)) == len(names)
    (space,) = of_kind(build, "Namespace")
    assert {each["metadata"].get("namespace") for each in built(build)} == {None, space}


def test_the_namespace_admits_only_pods_of_the_strictest_standard() -> None:
    labels = of_kind("base", "Namespace")["smart-grid"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("build", BUILDS)
def test_a_pod_keeps_the_restricted_standard_and_writes_only_to_its_volumes(build: str, name: str) -> None:
    told, inside = pod(build, name), container(build, name)
    assert told["securityContext"]["runAsNonRoot"] is True
    assert told["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & told.keys()
    assert {kind for each in told["volumes"] for kind in each} <= {"name", "secret", "emptyDir", "projected"}
    assert not any("hostPort" in port for port in inside["ports"])
    writable = {each["name"] for each in inside["volumeMounts"] if not each.get("readOnly")}
    assert writable <= {"data", "tmp"}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_pod_runs_as_the_user_of_the_image_who_owns_its_volumes(name: str) -> None:
    context = pod("base", name)["securityContext"]
    user, group = str(context["runAsUser"]), str(context["runAsGroup"])
    assert f"USER {user}:{group}\n" in DOCKERFILE
    assert str(context["fsGroup"]) == group
    modes = [each["secret"]["defaultMode"] for each in pod("base", name)["volumes"] if "secret" in each]
    assert set(modes) == {0o440}  # the files belong to root, and to the group of the pod


@pytest.mark.parametrize("name", PACKAGES)
def test_a_pod_has_no_token_of_the_cluster_and_no_settings_that_the_cluster_makes_up(name: str) -> None:
    told = pod("base", name)
    assert told["automountServiceAccountToken"] is False
    assert told["enableServiceLinks"] is False


def test_links_of_services_would_keep_a_gateway_from_starting() -> None:
    assert "gateway" in of_kind("base", "Service")  # so a cluster would set GATEWAY_PORT
    with pytest.raises(SettingsError, match="GATEWAY_PORT"):
        load(SETTINGS["gateway"], {"GATEWAY_PORT": "tcp://10.96.0.7:8000"})


@pytest.mark.parametrize("name", PACKAGES)
def test_a_pod_runs_its_service_from_the_image_of_this_version(name: str) -> None:
    inside = container("base", name)
    assert inside["command"] == ["python", "-m", PACKAGES[name]]
    assert inside["image"] == ours()["gateway"]["image"].replace("${GRID_VERSION:-0.1.0}", "0.1.0")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_probe_asks_a_health_page_where_the_service_listens(name: str) -> None:
    inside = container("base", name)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        path, port, by_certificate = asked(inside[probe])
        assert path in {"/livez", "/readyz"}
        assert port in {*ports("base", name), *map(str, ports("base", name).values())}
        assert by_certificate == (name in BEHIND_CERTIFICATES)
        assert inside[probe]["timeoutSeconds"] > 1
    assert (
        asked(inside["livenessProbe"])[0] == "/livez"
    )  # a service that waits for another one is not started anew


def test_a_service_that_must_say_why_no_car_is_placed_stays_reachable_then() -> None:
    ready = {name: asked(container("base", name)["readinessProbe"])[0] for name in PACKAGES}
    assert ready == {"substation": "/readyz", "balancer": "/livez", "gateway": "/livez", "console": "/livez"}
    assert (
        asked(container("base", "gateway")["startupProbe"])[0] == "/readyz"
    )  # an update stops at a useless one


def asked(probe: dict[str, Any]) -> tuple[str, str, bool]:
    """Return the path and the port that a probe asks, and whether it shows a certificate."""
    if "httpGet" in probe:
        assert probe["httpGet"]["scheme"] == "HTTPS"
        return probe["httpGet"]["path"], str(probe["httpGet"]["port"]), False
    *command, url = probe["exec"]["command"]
    assert command == ["python", "-m", "runtime.probe"]
    address, _, path = url.removeprefix("https://127.0.0.1:").partition("/")
    return f"/{path}", address, True


@pytest.mark.parametrize("name", PACKAGES)
def test_a_service_has_the_time_that_it_takes_to_stop(name: str) -> None:
    before = (
        container("base", name).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    )
    assert pod("base", name)["terminationGracePeriodSeconds"] > STOP_WITHIN_S + before


@pytest.mark.parametrize("name", ["substation", "balancer", "console"])
def test_what_is_kept_is_on_a_volume_with_one_writer_that_outlives_its_pod(name: str) -> None:
    told = workload("base", name)
    assert told["kind"] == "StatefulSet"
    (claim,) = told["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    mounts = {each["name"]: each["mountPath"] for each in container("base", name)["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == IMAGE_ENV["DATA_DIR"]
    assert set(told["spec"]["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
    assert told["spec"]["serviceName"] in of_kind("base", "Service")


def test_one_balancer_keeps_a_book_in_a_file_and_several_share_one() -> None:
    assert workload("base", "balancer")["spec"]["replicas"] == 1
    assert workload("postgresql", "balancer")["spec"]["replicas"] > 1
    assert workload("base", "console")["spec"]["replicas"] == 1


@pytest.mark.parametrize("build", BUILDS)
def test_a_service_or_a_budget_selects_pods_and_a_node_can_always_be_emptied(build: str) -> None:
    for each in of_kind(build, "Service").values():
        name = each["spec"]["selector"][NAME]
        listens = ports(build, name)
        assert {port["port"] for port in each["spec"]["ports"]} <= set(listens.values())
        assert all(listens[port["targetPort"]] == port["port"] for port in each["spec"]["ports"])
    for name, budget in of_kind(build, "PodDisruptionBudget").items():
        assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {NAME: name}}}
        assert name in of_kind(build, *WORKLOADS)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_pod_asks_for_what_it_takes_and_its_memory_is_bounded(name: str) -> None:
    resources = container("base", name)["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}  # a limit of processor time would only add waiting


@pytest.mark.parametrize("name", ["substation", "balancer", "gateway"])
def test_pods_of_a_service_are_spread_over_machines_and_zones(name: str) -> None:
    keys = [each["topologyKey"] for each in pod("postgresql", name)["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]


def test_the_autoscaler_has_the_gateways_for_itself() -> None:
    scaler = of_kind("postgresql", "HorizontalPodAutoscaler")["gateway"]["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}
    assert "replicas" not in workload("postgresql", "gateway")["spec"]
    (metric,) = scaler["metrics"]
    share = metric["resource"]["target"]["averageUtilization"] / 100
    request = int(container("postgresql", "gateway")["resources"]["requests"]["cpu"].removesuffix("m"))
    assert share * request <= 500  # of the 1,000m that one process can use


def test_a_substation_counts_from_one_and_updates_go_one_by_one() -> None:
    told = workload("base", "substation")["spec"]
    assert told["ordinals"] == {"start": 1}  # as in data/tls/substations and the samples of base load
    assert told["updateStrategy"] == {"type": "RollingUpdate"}
