"""The audit log on real files: append-only, chained, written before the action, and a full disk."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from admin_ui.audit.chain import AuditOutcome, BrokenChain, ChainHead, Entry, cell, draft_entry
from admin_ui.audit.command import main
from admin_ui.audit.log import AuditLog, AuditUnwritable, path, require
from admin_ui.web.problems import NoLongerAllowedError


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[AuditLog]:
    made = AuditLog(file, clock=lambda: 1_700_000_000.5)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return path(tmp_path)


async def entries(log: AuditLog) -> list[Entry]:
    return [entry async for some in log.all() for entry in some]


def written(file: Path, count: int = 3) -> ChainHead:
    async def write() -> ChainHead:
        async with opened(file) as log:
            for number in range(count):
                await log.end(await log.begin("ann", "drain", f"s-{number}", "works"), AuditOutcome.DONE)
            return log.head

    return asyncio.run(write())


def tampered(file: Path, *statements: str) -> None:
    """Change the file as one would who does not care for triggers."""
    database = sqlite3.connect(file)
    for name in ("never_changed", "never_deleted", "never_replaced"):
        database.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


@pytest.mark.gen_test
async def test_what_was_submitted_before_a_stop_is_written_though_nobody_waits_for_it(file: Path) -> None:
    async with opened(file) as log:
        writes = [asyncio.create_task(log.note("ann", "log in", "", AuditOutcome.DONE)) for _ in range(20)]
        await asyncio.sleep(0)
        for each in writes:
            each.cancel()
        await asyncio.gather(*writes, return_exceptions=True)
    async with opened(file) as log:
        assert [entry.number for entry in await entries(log)] == list(range(1, 21))


@pytest.mark.gen_test
async def test_an_action_and_its_result_are_two_entries_in_the_order_of_their_coming(file: Path) -> None:
    async with opened(file) as log:
        begun = await log.begin("ann", "drain", "substation-1", "works", {"load_kw": 7})
        assert log.under_way == {1}
        await log.end(begun, AuditOutcome.DONE, {"state": "draining"})
        first, second = await entries(log)
        assert log.under_way == set()
    assert (first.number, first.who, first.reason, first.outcome) == (1, "ann", "works", None)
    assert (second.of, second.action, second.outcome, second.at_unix_ms) == (
        1,
        "drain",
        "done",
        1_700_000_000_500,
    )


@pytest.mark.gen_test
async def test_what_was_begun_when_the_console_died_has_no_result_and_is_not_under_way(file: Path) -> None:
    async with opened(file) as log:
        await log.begin("ann", "drain", "substation-1", "works")
    async with opened(file) as log:
        assert [entry.outcome for entry in await entries(log)] == [None]
        assert log.under_way == set()
        await log.note("bob", "log in", "", AuditOutcome.DONE)
        assert (await log.verify()).number == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET reason = 'none'",
        "DELETE FROM entry WHERE number = 6",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE number = 2",
        "INSERT INTO entry SELECT 8, at_unix_ms, NULL, who, action, target, reason, outcome, details, hash FROM entry WHERE number = 1",
    ],
)
def test_the_file_itself_refuses_what_is_not_appended(file: Path, statement: str) -> None:
    written(file)
    database = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match="entries are"):
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE entry SET reason = 'none' WHERE number = 3", "entry 3 is not as it was written"),
        ("UPDATE entry SET at_unix_ms = 0 WHERE number = 1", "entry 1 is not as it was written"),
        ("UPDATE entry SET hash = 'f' WHERE number = 6", "entry 6 is not as it was written"),
        ("DELETE FROM entry WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM entry WHERE number = 1", "entry 1 is missing"),
    ],
)
def test_what_was_changed_around_the_triggers_is_found(
    file: Path, capsys: pytest.CaptureFixture[str], statement: str, message: str
) -> None:
    written(file)
    assert main(["verify"], file.parents[1]) == 0
    tampered(file, statement)
    assert main(["verify"], file.parents[1]) == 1
    assert message in capsys.readouterr().err


def test_a_cut_off_end_is_found_by_a_hash_that_was_noted(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = written(file)
    known = f"{head.number}:{head.hash}"
    assert main(["verify", "--known", known], file.parents[1]) == 0
    assert head.hash in capsys.readouterr().out
    tampered(file, "DELETE FROM entry WHERE number = 6")
    assert main(["verify", "--known", known], file.parents[1]) == 1
    assert "entry 6 is missing" in capsys.readouterr().err


def test_a_log_that_a_console_has_open_is_not_read_by_the_command(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify"], file.parents[1]) == 2
    assert "there is no audit log" in capsys.readouterr().err
    assert not file.exists()

    async def meanwhile() -> int:
        async with opened(file) as log:
            await log.note("ann", "log in", "", AuditOutcome.DONE)
            return await asyncio.to_thread(main, ["verify"], file.parents[1])

    assert asyncio.run(meanwhile()) == 2
    assert "/audit checks the log" in capsys.readouterr().err


@pytest.mark.gen_test
async def test_a_change_below_a_running_console_is_found_by_it(file: Path) -> None:
    async with opened(file) as log:
        await log.note("ann", "log in", "", AuditOutcome.DONE)
        await log.note("ann", "log out", "", AuditOutcome.DONE)
        log._store.run("DROP TRIGGER never_deleted")
        log._store.run("DELETE FROM entry WHERE number = 2")
        with pytest.raises(BrokenChain, match="entry 2 is missing"):
            await log.verify()


LARGE: dict[str, object] = {"x": "x" * 1900}  # less than that may find room in a page that is there


async def fill(log: AuditLog) -> None:
    for _ in range(100):
        await log.begin("ann", "fill", "", "", LARGE)


@pytest.mark.gen_test
async def test_a_full_disk_refuses_what_would_begin_and_keeps_results_until_there_is_room(file: Path) -> None:
    async with opened(file) as log:
        first, second = (
            await log.begin("ann", "drain", "s-1", "x"),
            await log.begin("ann", "drain", "s-2", "x"),
        )
        pages = log._store.one("PRAGMA page_count")
        assert pages
        log._store.run(f"PRAGMA max_page_count = {pages[0]}")
        with pytest.raises(AuditUnwritable, match="full"):
            await fill(log)
        assert "full" in log.fault
        await log.end(first, AuditOutcome.DONE, LARGE)
        await log.end(second, AuditOutcome.REFUSED, LARGE)
        log._store.run("PRAGMA max_page_count = 100000")
        await log.note("ann", "log in", "", AuditOutcome.DONE)
        assert log.fault == ""
        last = [(entry.of, entry.outcome) for entry in (await entries(log))[-3:]]
        assert last == [(1, "done"), (2, "refused"), (None, "done")]
        assert await log.verify() == log.head


@pytest.mark.gen_test
async def test_entries_that_come_at_once_are_all_written_in_one_chain(file: Path) -> None:
    async with opened(file) as log:
        await asyncio.gather(*(log.note(f"p{n}", "log in", "", AuditOutcome.DONE) for n in range(50)))
        assert (await log.verify()).number == 50


def test_only_its_owner_can_read_the_file(file: Path) -> None:
    written(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_long_text_is_clipped_and_a_half_character_does_no_harm() -> None:
    texts = {"who": "a\ud800", "action": "x", "target": "t" * 5000, "reason": ""}
    draft = draft_entry(0, texts, {"body": "b" * 5000})
    assert (draft.who, len(draft.target), len(draft.details) < 2100) == ("a?", 2000, True)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(A1)",
        "\ufeff=1",
        " =1",
        "\u200b\u00a0+1",
        "\x00=1",
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_a_harmless_cell_stays_as_it_is() -> None:
    assert [cell(value) for value in ("works =1", 7, None)] == ["works =1", "7", ""]


@pytest.mark.gen_test
async def test_an_action_that_is_not_allowed_any_more_ends_as_refused_and_is_not_carried_out(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "audit.sqlite") as log:
        entry = await log.begin("ann", "drain", "substation-1", "a reason")
        await require(log, entry, lambda: True)
        assert log.under_way == {entry.number}
        with pytest.raises(NoLongerAllowedError, match="nothing was done"):
            await require(log, entry, lambda: False)
        assert log.under_way == set()
        last = (await log.rows("SELECT of, outcome FROM entry ORDER BY number DESC LIMIT 1"))[0]
        assert tuple(last) == (entry.number, "refused")
