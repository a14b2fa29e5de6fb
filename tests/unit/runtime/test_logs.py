"""Lines of the log: one JSON object each, whose request it is, and never too many equal ones."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runtime import trace
from runtime.logs import INTERVAL_S, MOST_KINDS, JsonLines, LimitedLines


class Log:
    """A logger with its lines, on a clock of its own."""

    def __init__(self, most: int = 3) -> None:
        self.now_s = 0.0
        self.stream = io.StringIO()
        self.handler = LimitedLines(self.stream, most, lambda: self.now_s)
        self.handler.setFormatter(JsonLines("here"))
        self.logger = logging.Logger("some.module")  # noqa: LOG001 - one that nobody else has
        self.logger.addHandler(self.handler)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def left_out(self) -> dict[str, int]:
        return {line["of"]: line["left_out"] for line in self.lines() if "left_out" in line}


@pytest.fixture
def log() -> Iterator[Log]:
    yield Log()
    trace.CURRENT.set(None)


def test_a_line_is_one_object_whatever_is_in_it(log: Log) -> None:
    hostile = 'a\nb\r\n{"level": "critical"}\x00\x1b[31m\u2028'
    log.logger.warning("said %s", hostile, extra={"given": hostile, "raw": b"\n"})
    (line,) = log.lines()
    assert (line["level"], line["service"], line["logger"]) == ("warning", "here", "some.module")
    assert line["message"] == f"said {hostile}"
    assert line["given"] == hostile
    assert log.stream.getvalue().count("\n") == 1


def test_a_line_says_whose_request_it_is_about(log: Log) -> None:
    log.logger.info("before")
    trace.CURRENT.set(mine := trace.received("", "r-7"))
    log.logger.info("during")
    before, during = log.lines()
    assert "trace_id" not in before
    assert (during["trace_id"], during["request_id"]) == (mine.trace_id, "r-7")


def test_equal_lines_are_left_out_beyond_a_number_and_then_counted(log: Log) -> None:
    for number in range(10):
        log.logger.info("served", extra={"number": number})
    assert [line["number"] for line in log.lines()] == [0, 1, 2]
    log.now_s = INTERVAL_S
    log.logger.info("another")
    assert log.left_out() == {"served": 7}
    log.logger.info("served", extra={"number": 10})
    assert log.lines()[-1]["number"] == 10


def test_another_message_level_or_logger_is_not_equal(log: Log) -> None:
    for _ in range(10):
        log.logger.info("served %d", 200)
        log.logger.info("served %d", 503)
        log.logger.error("served %d", 200)
    assert len(log.lines()) == 9


def test_what_was_left_out_is_told_though_nothing_else_is_logged(log: Log) -> None:
    for _ in range(5):
        log.logger.info("served")
    log.handler.write_left_out()
    assert log.left_out() == {}
    log.now_s = INTERVAL_S
    log.handler.write_left_out()
    log.handler.write_left_out()
    assert log.left_out() == {"served": 2}
    assert len(log.lines()) == 4


def test_what_was_left_out_is_told_when_the_process_ends(log: Log) -> None:
    for _ in range(5):
        log.logger.info("served")
    log.handler.write_left_out(ending=True)
    assert log.left_out() == {"served": 2}


def test_a_count_is_nobodys_request(log: Log) -> None:
    trace.CURRENT.set(trace.received("", "r-1"))
    for _ in range(5):
        log.logger.info("served")
    log.handler.write_left_out(ending=True)
    assert "trace_id" not in log.lines()[-1]
    assert trace.CURRENT.get() is not None


def test_messages_that_all_differ_are_bounded_too() -> None:
    log = Log(most=2)
    for number in range(3 * MOST_KINDS):
        log.logger.info("of %d", number)
    assert len(log.lines()) == MOST_KINDS + 2
    log.handler.write_left_out(ending=True)
    assert log.left_out() == {"others": 2 * MOST_KINDS - 2}


def test_threads_that_log_at_once_lose_no_count() -> None:
    log = Log(most=10)

    def much() -> None:
        for _ in range(200):
            log.logger.info("x")

    threads = [threading.Thread(target=much) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.handler.write_left_out(ending=True)
    assert log.left_out() == {"x": 790}


def test_a_line_over_its_limit_is_counted_without_a_record_and_one_below_it_is_not(log: Log) -> None:
    name, level = log.logger.name, logging.INFO
    for _ in range(3):
        assert not log.handler.count_if_over(name, level, "again")
        log.logger.info("again")
    assert [log.handler.count_if_over(name, level, "again") for _ in range(4)] == [True] * 4
    assert not log.handler.count_if_over(name, level, "something else")
    assert not log.handler.count_if_over(name, logging.ERROR, "again")
    log.now_s = INTERVAL_S + 1
    assert not log.handler.count_if_over(name, level, "again")  # a new interval
    log.logger.info("again")
    assert log.left_out() == {"again": 4}
