"""Import of a file into the history of a balancer that is not running."""

import re
from collections.abc import Mapping
from pathlib import Path

from balancer.forecast.calendar_days import SLOTS, WEEK, Holidays
from balancer.forecast.history import FILE, KEPT_DAYS, bound, write
from balancer.forecast.history_schema import MIGRATIONS
from balancer.forecast.recorder import QuarterHour
from runtime.store import Store, StoreDamaged, StoreFull, StoreUnusable
from substation.contract import SUBSTATION_ID

KW = 1000
# What was recorded has a load of cars.
FORGET_EARLIER = "DELETE FROM quarter_hour WHERE substation_id = ? AND cars_load_w IS NULL"
OLDEST = "SELECT min(slot) FROM quarter_hour WHERE substation_id = ?"
FITTING = (
    "It is put before what the substation has recorded, on the same weekdays; of a long file the last"
    f" {KEPT_DAYS} days count. It replaces an earlier import. The balancer must be stopped meanwhile"
)


class NotImported(Exception):
    """Nothing was imported; the message says why."""


def import_series(
    series: Mapping[str, Mapping[int, float]],
    data_dir: Path,
    columns: Mapping[str, str],
    rules: Holidays,
    peak_kw: float | None = None,
) -> list[str]:
    """Write series in kW as base load into the history below `data_dir`, all of them or none.

    `columns` says which column is which substation's base load; when empty, columns bear the substations' ids. With
    `peak_kw`, each series is scaled so that its highest value is that. Returns a sentence for each substation;
    raises NotImported.
    """
    columns = columns or {name: name for name in series}
    if unknown := columns.keys() - series.keys():
        raise NotImported(f"no column {', '.join(sorted(unknown))}; there are {', '.join(series)}")
    if strange := [each for each in columns.values() if not re.fullmatch(SUBSTATION_ID, each)]:
        raise NotImported(f"{strange[0]!r} is no substation's id: say --column COLUMN=SUBSTATION")
    if len(set(columns.values())) < len(columns):
        raise NotImported("two columns for one substation")
    try:
        store = Store(data_dir / FILE, MIGRATIONS, checked=True)
    except StoreUnusable as error:
        raise NotImported(str(error)) from None
    try:
        with store.transaction():
            return [_import(store, series[name], to, rules, peak_kw) for name, to in columns.items()]
    except (StoreFull, StoreDamaged) as error:
        raise NotImported(f"{data_dir / FILE}: {error}") from None
    finally:
        store.close()


def _import(
    store: Store, values: Mapping[int, float], substation_id: str, rules: Holidays, peak_kw: float | None
) -> str:
    highest = max(values.values())
    if peak_kw and highest <= 0:
        raise NotImported(f"the series of {substation_id} has no value above 0 that could be its peak")
    watts = KW * peak_kw / highest if peak_kw else float(KW)
    holidays = rules.days(min(values) // SLOTS, max(values) // SLOTS)
    store.run(FORGET_EARLIER, (substation_id,))
    shift = -_weeks_later(max(values), bound(store, OLDEST, substation_id)) * WEEK
    newest = max(values) - KEPT_DAYS * SLOTS
    rows = [
        QuarterHour(substation_id, slot + shift, base_load_w=value * watts, holiday=slot // SLOTS in holidays)
        for slot, value in values.items()
        if slot > newest
    ]
    write(store, rows)
    return (
        f"{substation_id}: {len(rows)} quarter hours imported, base load up to {highest * watts / KW:.1f} kW"
    )


def _weeks_later(last: int, oldest: int | None) -> int:
    """Return by how many weeks the file must move back to end before what is recorded, or before the first Monday."""
    end = min(oldest, 0) if oldest is not None else 0
    return (last - end) // WEEK + 1
