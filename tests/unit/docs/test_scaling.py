"""The sums of docs/explanation/scaling.md are right, and what they begin with is measured."""

import math
import re

import yaml

from loadtest.plan.arrivals import ENERGY_MEAN_KWH
from substation.plan import Plan
from tests.support.manifests import container
from tests.unit.docs.pages import DOCS, ROOT

SCALING = (DOCS / "explanation" / "scaling.md").read_text(encoding="utf-8")
PERFORMANCE = (DOCS / "PERFORMANCE.md").read_text(encoding="utf-8")
BOOK = (DOCS / "adr" / "0051-an-order-book-in-postgresql.md").read_text(encoding="utf-8")
POWERS_KW = {3.7: 0.10, 7.4: 0.25, 11.0: 0.45, 22.0: 0.20}  # docs/reference/load-plans.md
POINTS, PER_DAY, BUSIEST = 100_000, 2, 0.12
A_SECOND = POINTS * PER_DAY * BUSIEST / 3600
WORST = POINTS / 60
US = 1e-6
LONE_US, BUSY_US, CONNECTION_US = (587, 593, 938), (207, 152), 990
POLL_US, DECISIONS_US = 410, {100: 60.4, 1000: 347}
PEAK_KW = A_SECOND * 3600 * 1.06 * ENERGY_MEAN_KWH
SUBSTATIONS = math.ceil(PEAK_KW / 1400 / 0.9)


def result(step: str) -> str:
    """Return the last cell of the row whose first one begins with some words."""
    (found,) = re.findall(rf"^\| {re.escape(step)}.*\| ([^|]+) \|$", SCALING, flags=re.MULTILINE)
    return str(found)


def test_what_the_city_asks_for_follows_from_what_is_assumed() -> None:
    assert result("sessions a day") == f"{POINTS * PER_DAY:,}"
    assert result("in the busiest hour") == f"{A_SECOND * 3600:,.0f}, or {A_SECOND:.1f} a second"
    assert result("power for them") == f"{PEAK_KW / 1000:.0f} MW"
    assert result("substations with 1,400 kW") == str(SUBSTATIONS)
    plans = {Plan(round(ENERGY_MEAN_KWH * 3.6e6), round(kw * 1000)): share for kw, share in POWERS_KW.items()}
    hours = sum(share * plan.duration_ms / 3.6e6 for plan, share in plans.items())
    open_at_once = A_SECOND * 3600 * hours
    expected = f"{round(open_at_once, -2):,.0f}, or {open_at_once / SUBSTATIONS:.0f} at a substation"
    assert result(f"open sessions then, {hours:.1f} h each") == expected
    assert result("the worst minute: all") == f"{WORST:,.0f} requests a second"


def test_what_it_costs_follows_from_what_was_measured() -> None:
    polls = SUBSTATIONS * POLL_US * US
    few, many = DECISIONS_US.values()
    decision_us = few + (SUBSTATIONS - 100) / 900 * (many - few)
    request = (BUSY_US[1] + decision_us + 9) * US
    gateways = WORST * (BUSY_US[0] + CONNECTION_US) * US
    share = A_SECOND * sum(LONE_US) * US
    assert result("**requests of the busiest hour**") == f"{share * 100:.1f} % of a core"
    assert result("**polls**") == f"{polls * 100:.0f} % of a core"
    assert result("a decision among") == f"{decision_us:.0f} us"
    assert result("**the worst minute**") == f"{request / US:.0f} us"
    assert result("all of it at one balancer") == f"{(WORST * request + polls) * 100:.0f} % of a core"
    assert result("at each of two") == f"{(WORST / 2 * request + polls) * 100:.0f} % of a core"
    assert result("gateways, each") == f"{gateways:.1f} cores"
    assert result("a substation | ") == f"{WORST / SUBSTATIONS * LONE_US[2] * US * 100:.1f} % of a core"
    assert result("the database").startswith(f"{WORST / 43_600 * 100:.0f} % ")


def test_what_stands_by_is_counted_with_the_manifests() -> None:
    probes = [container("base", "substation")[name] for name in ("readinessProbe", "livenessProbe")]
    a_second = sum(1 / each["periodSeconds"] for each in probes)
    assert result("**standing by**") == f"{SUBSTATIONS * 0.048 * a_second:.1f} cores"
    assert result("scrapes of all") == f"{SUBSTATIONS * 3.2e-3:.1f} cores"
    assert result("the same every 15 s") == f"{SUBSTATIONS * 3.2e-3 / 15:.2f} cores"
    assert result("memory of the substations") == f"{SUBSTATIONS * 46 / 1000:.0f} GB"
    requests = container("base", "substation")["resources"]["requests"]
    cores = SUBSTATIONS * int(requests["cpu"].removesuffix("m")) / 1000
    memory = SUBSTATIONS * int(requests["memory"].removesuffix("Mi")) / 1024
    assert result("what [the manifests]") == f"{cores:.0f} cores, {memory:.1f} GiB"
    assert (
        f"{SUBSTATIONS} · 175 = {SUBSTATIONS * 175:,} series, {SUBSTATIONS * 175 / 15:,.0f} samples"
        in SCALING
    )
    daily = POINTS * PER_DAY / SUBSTATIONS
    assert result(f"journals: {daily:.0f} sessions") == f"{daily * 4 * 280 / 1e6:.1f} MB each"


def test_what_the_sums_begin_with_is_in_the_measurements() -> None:
    for figure in LONE_US:
        assert f"to {figure} us" in PERFORMANCE
    assert "| 32 | 537 us | 579 us | 8 % | 169 to 207 us | 153 and 152 us |" in PERFORMANCE
    assert "0.39 ms without and 0.99 ms with TLS" in PERFORMANCE
    assert f"were read, {POLL_US} us each" in PERFORMANCE
    for count, us in DECISIONS_US.items():
        assert f"one decision at {count:,} substations | {us:g} us" in PERFORMANCE
    assert "| substation | 175 | 17 kB | 3.2 ms |" in PERFORMANCE
    assert "| PostgreSQL, 64 clients | 43,600 | 8.7 µs" in BOOK


def test_the_interval_of_prometheus_is_that_of_its_configuration() -> None:
    path = ROOT / "monitoring/prometheus/prometheus.yml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert told["global"]["scrape_interval"] == "1s"
    assert "scrapes of all substations every second" in SCALING
