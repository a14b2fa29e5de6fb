"""Which programs `make run` starts, and with what."""

import configparser

import pytest

from deploy.local import addresses, supervision

SHARED = {"GATEWAY_PROCESSES": "2", "GATEWAY_MONITOR_PORT": "8021"}


def configured(environ: dict[str, str]) -> configparser.RawConfigParser:
    return supervision.configuration(addresses.service_ports(environ), addresses.LOOPBACK)


def gateways(config: configparser.RawConfigParser) -> list[str]:
    return [name for name in config["group:grid"]["programs"].split(",") if name.startswith("gateway")]


def test_a_single_gateway_does_not_share_its_port_whatever_the_environment_says() -> None:
    config = configured({"GATEWAY_MONITOR_PORT": "8021"})
    assert gateways(config) == ["gateway"]
    assert 'GATEWAY_MONITOR_PORT="0"' in config["program:gateway"]["environment"]
    assert 'GATEWAY_MONITOR_URLS="http://127.0.0.1:8000"' in config["program:admin_ui"]["environment"]


def test_each_of_several_gateways_has_a_port_that_the_console_knows() -> None:
    config = configured(SHARED)
    assert gateways(config) == ["gateway-1", "gateway-2"]
    for number in (1, 2):
        environment = config[f"program:gateway-{number}"]["environment"]
        assert f'GATEWAY_MONITOR_PORT="{8020 + number}"' in environment
        assert 'BALANCER="127.0.0.1:9001"' in environment
    urls = "http://127.0.0.1:8021,http://127.0.0.1:8022"
    assert f'GATEWAY_MONITOR_URLS="{urls}"' in config["program:admin_ui"]["environment"]


@pytest.mark.parametrize("count", ["0", "33", "two"])
def test_how_many_gateways_there_may_be_is_said(count: str) -> None:
    with pytest.raises(
        ValueError, match=f"GATEWAY_PROCESSES='{count}': it must be a whole number from 1 to 32"
    ):
        configured({"GATEWAY_PROCESSES": count})


def test_several_balancers_have_ports_and_folders_of_their_own_and_every_gateway_knows_them() -> None:
    config = configured(SHARED | {"BALANCERS": "3", "ORDER_BOOK": "postgresql://grid@127.0.0.1/grid"})
    names = [name for name in config["group:grid"]["programs"].split(",") if name.startswith("balancer")]
    assert names == ["balancer", "balancer-2", "balancer-3"]
    assert 'BALANCER_PORT="8003"' in config["program:balancer-3"]["environment"]
    assert 'BALANCER_STREAM_PORT="9003"' in config["program:balancer-3"]["environment"]
    assert 'DATA_DIR="$DATA_DIR/balancer-3"' in config["program:balancer-3"]["command"]
    assert "DATA_DIR" not in config["program:balancer"]["command"]
    streams = "127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003"
    for name in gateways(config):
        assert f'BALANCER="{streams}"' in config[f"program:{name}"]["environment"]
    pages = ",".join(f"http://127.0.0.1:{port}" for port in (8001, 8002, 8003))
    assert f'BALANCER_URL="{pages}"' in config["program:admin_ui"]["environment"]


def test_several_balancers_without_a_database_to_share_are_refused() -> None:
    with pytest.raises(ValueError, match="BALANCERS=2 needs ORDER_BOOK"):
        configured({"BALANCERS": "2"})
