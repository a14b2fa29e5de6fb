"""The rules for every test: no background task may fail unnoticed, or go on after the test."""

import asyncio
import gc
import logging
import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from xdist.remote import Producer

from tests.order import Groups, in_turns
from tests.support import template
from tests.support.examples import load as load_examples
from tests.support.postgres import QUICK, PostgresServer, server

load_examples()

# asyncpg leaves it in a future of its own when its connecting under TLS is cancelled at the wrong moment, as at a stop.
LEFT_BY_ASYNCPG = "ConnectionError('unexpected connection_lost() call')"
ENDING_S = 0.1  # a task that ends by itself has this long, as it had while garbage was collected for as long
HUNG_S = 60.0  # no test waits for this long unless it hangs: a limit, not an expectation


def pytest_configure(config: pytest.Config) -> None:
    config.option.async_test_timeout = max(config.option.async_test_timeout, HUNG_S)
    # No test trusts an authority of this machine, and each process that imports aiohttp would read them all: 0.1 s.
    os.environ["SSL_CERT_FILE"] = os.devnull
    # Else the first gen_test makes asyncio create a loop that nobody closes.
    asyncio.set_event_loop(None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    config.option.loadscopereorder = False  # it would start what has few tests last: the slowest
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = in_turns(items)


def pytest_collection_finish() -> None:
    """Keep all modules and tests out of the garbage collections that follow, one after each asynchronous test."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # pytest collects what is left, and fails for what was not closed
    template.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_ALL set, nothing may be skipped: what a test lacks is a failure."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but REQUIRE_ALL is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of this worker that need no other."""
    own = tmp_path_factory.getbasetemp()
    with server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own, *QUICK) as started:
        yield started


class _CallbackFaults(logging.Handler):
    """Collects the exceptions that Tornado's loop logs instead of raising."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.seen.append(record.getMessage())


@pytest.fixture(autouse=True)
def _nothing_is_lost(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a gen_test that lost a background exception or left a task running.

    pytest-tornado lets both pass. It is set up before, and so torn down after, every other fixture
    but the loop's.
    """
    if "gen_test" not in request.keywords:
        yield
        return
    gc.freeze()  # what former tests have left was collected after them: the collection below looks at this one's
    loop: asyncio.AbstractEventLoop = request.getfixturevalue("io_loop").asyncio_loop
    lost: list[str] = []
    faults = _CallbackFaults()
    loop.set_exception_handler(lambda _, context: lost.append(_told(context)))
    logging.getLogger("tornado.application").addHandler(faults)
    yield
    loop.run_until_complete(_settle())
    gc.collect()  # a task that failed unseen says so when it is collected
    loop.run_until_complete(_settle())
    logging.getLogger("tornado.application").removeHandler(faults)
    if ending := asyncio.all_tasks(loop):  # what ends by itself in the next moment
        loop.run_until_complete(asyncio.wait(ending, timeout=ENDING_S))
    running = asyncio.all_tasks(loop)
    for task in running:
        task.cancel()
    if running:  # one that can't be cancelled must not hang the run
        loop.run_until_complete(asyncio.wait(running, timeout=5))
    lost = [each for each in lost if LEFT_BY_ASYNCPG not in each]
    assert not lost + faults.seen, "an exception was lost in the background"
    assert not running, "the test left tasks running"


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _told(context: dict[str, Any]) -> str:
    return f"{context['message']}: {context.get('exception')!r}"
