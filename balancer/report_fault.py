"""What can't be true in a report of a substation, so that a balancer does not believe it.

Pure. The wall time at which a report came is an argument.
"""

import re

from substation.contract import JOURNAL_ID, MOST_W, RELEASES_WITHIN_S, SUBSTATION_ID, Report

MOST_COUNT = 2**53  # numbers on a page are exact up to here
# An epoch is at least the substation's unix time: how far that may be ahead of this clock.
MOST_AHEAD_S = 24 * 3600
ID, JOURNAL = re.compile(SUBSTATION_ID), re.compile(JOURNAL_ID)


def report_fault(report: Report, unix_s: float) -> str:
    """Return in words what is impossible in a report that came at a wall time; '' for a plausible one.

    With an epoch that is far ahead, later reports would look older for that long.
    """
    return "" if _plausible(report, unix_s) else _fault(report, unix_s)


def _plausible(report: Report, unix_s: float) -> bool:
    """Whether nothing is impossible: what `_fault` looks for, in half the time, because each poll asks it."""
    releases_w, load_w = report.releases_w, report.load_w
    return (
        ID.fullmatch(report.substation_id) is not None
        and JOURNAL.fullmatch(report.journal_id) is not None
        and 0 <= report.epoch <= unix_s + MOST_AHEAD_S
        and 0 <= load_w <= MOST_W
        and 1 <= report.capacity_w <= report.rated_w <= MOST_W
        and 0 <= report.paused <= report.sessions <= MOST_COUNT
        and 0 <= report.seq <= MOST_COUNT
        and 0 <= report.calendar_s <= MOST_COUNT
        and 0 <= report.base_load_w <= MOST_W
        and 0 <= report.owed_w <= MOST_W
        and 0 <= report.kept_w <= MOST_W
        and len(releases_w) == len(RELEASES_WITHIN_S)
        and releases_w[0] >= 0
        and releases_w[-1] <= load_w
        and releases_w == tuple(sorted(releases_w))
    )


def _fault(report: Report, unix_s: float) -> str:
    if not ID.fullmatch(report.substation_id) or not JOURNAL.fullmatch(report.journal_id):
        return f"{report.substation_id[:80]!r} or {report.journal_id[:80]!r} is no id"
    if not 0 <= report.epoch <= unix_s + MOST_AHEAD_S:
        return f"epoch {report.epoch:.6g} is more than a day ahead of this machine's clock, or negative"
    points = len(report.releases_w)
    for name, value, least, most in (
        ("seq", report.seq, 0, MOST_COUNT),
        ("load", report.load_w, 0, MOST_W),
        ("rated capacity", report.rated_w, 1, MOST_W),
        ("capacity", report.capacity_w, 1, report.rated_w),
        ("sessions", report.sessions, 0, MOST_COUNT),
        ("calendar time", report.calendar_s, 0, MOST_COUNT),
        ("base load", report.base_load_w, 0, MOST_W),
        ("owed power", report.owed_w, 0, MOST_W),
        ("kept power", report.kept_w, 0, MOST_W),
        ("paused sessions", report.paused, 0, report.sessions),
        ("points of the release schedule", points, len(RELEASES_WITHIN_S), len(RELEASES_WITHIN_S)),
    ):
        if not least <= value <= most:
            return f"{name} {value:.6g} is not within {least} and {most}"
    freed_w = [0, *report.releases_w, report.load_w]
    if freed_w != sorted(freed_w):
        return "the release schedule falls, or frees more than the load"
    return ""
