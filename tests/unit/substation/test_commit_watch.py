"""Late commits, on the ages that a test gives."""

from substation.commit_watch import LATE_S, PROBES, CommitWatch


def test_a_request_without_a_commit_for_too_long_makes_commits_late() -> None:
    watch = CommitWatch()
    assert not watch.late(0.0)
    assert not watch.late(LATE_S)
    assert watch.late(LATE_S + 0.001)


def test_commits_are_late_until_two_in_a_row_took_less() -> None:
    watch = CommitWatch()
    watch.late(5.0)
    assert PROBES == 2
    watch.probed(0.01)
    assert watch.late(0.0)
    watch.probed(0.01)
    assert not watch.late(0.0)


def test_a_disk_that_takes_seconds_for_each_sync_is_never_ready_in_between() -> None:
    watch = CommitWatch()
    watch.late(2.0)
    for _ in range(100):
        watch.probed(0.5)  # one that is quick by chance
        assert watch.late(0.0)
        watch.probed(2.0)
        assert watch.late(0.0)
