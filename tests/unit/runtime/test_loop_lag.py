"""The event loop's lag is seen when it stands still, and every process metric by its name."""

import asyncio
import time

import pytest
from prometheus_client import generate_latest

from runtime import exposition

NAME = "smartgrid_loop_lag_seconds"


@pytest.mark.gen_test
async def test_a_loop_that_stood_still_is_seen_once() -> None:
    async with exposition.measured("test") as registry:
        await asyncio.sleep(0.15)
        time.sleep(2.0)
        await asyncio.sleep(0.15)
        within = registry.get_sample_value(f"{NAME}_bucket", {"le": "0.25"})
        total = registry.get_sample_value(f"{NAME}_count")
        assert within is not None
        assert total is not None
        assert 1 <= total - within < 10  # not one for each of the twenty looks that it missed


@pytest.mark.gen_test
async def test_a_restricted_page_has_the_metrics_of_the_process() -> None:
    async with exposition.measured("test") as registry:
        name = "process_resident_memory_bytes"
        page = generate_latest(registry.restricted_registry([name])).decode()
        assert f"\n{name} " in page
        assert "smartgrid" not in page
