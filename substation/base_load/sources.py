"""The source of a substation's base load, as its settings name it."""

import dataclasses
import random
import re
from pathlib import Path
from typing import Protocol

from substation.base_load.basis import Basis
from substation.base_load.calendar import GridCalendar
from substation.base_load.meter import Meter
from substation.base_load.profile import Playback, Profile, hours_ms
from substation.base_load.profile_csv import ProfileUnusable, read_profile
from substation.outlook import BaseLoadOutlook

OFF, METER, SAMPLE = "off", "meter", "sample"
SAMPLES = tuple(sorted((Path(__file__).parent / "samples").glob("sample-*.csv")))
DRAWS = 4001  # of the noise: 41 days of slots, and no whole number of days, so that none is like another
W_PER_KW = 1000


class BaseLoad(Protocol):
    """What the transformer carries besides cars."""

    @property
    def name(self) -> str:
        """What it is called towards people."""

    def watts_at(self, grid_ms: int) -> int:
        """Return the base load that counts at a grid time, in watts."""

    def basis_at(self, grid_ms: int) -> Basis:
        """Return by what the base load that counts at a grid time is known."""

    def expect(self, outlook: BaseLoadOutlook) -> None:
        """Take a forecast, which counts while the source is silent."""


@dataclasses.dataclass(frozen=True, slots=True)
class NoBaseLoad:
    """A substation that carries only cars."""

    name: str = OFF

    def watts_at(self, grid_ms: int) -> int:  # noqa: ARG002 - as of any source
        """Return 0."""
        return 0

    def basis_at(self, grid_ms: int) -> Basis:  # noqa: ARG002
        """Return that the source counts: nothing is read."""
        return Basis.SOURCE

    def expect(self, outlook: BaseLoadOutlook) -> None:
        """Ignore a forecast."""


@dataclasses.dataclass(frozen=True, slots=True)
class BaseLoadOptions:
    """What the settings say: `source` is `off`, `meter`, `sample`, the name of a sample, or the path of a CSV file.

    `peak_kw` 0 plays a profile as it was recorded. `noise_share` is a standard deviation, a share of the load.
    """

    source: str = OFF
    peak_kw: float = 0.0
    shift_h: float = 0.0
    noise_share: float = 0.0
    day_starts_ms: int = 0
    meter_interval_s: float = 60.0


def source(text: str) -> str:
    """Return the name of a source; raises ValueError for one that can't be used. Reads the file that it names."""
    if text not in {OFF, METER, SAMPLE}:
        try:
            _profile(_path(text, "")).scaled(1)
        except OSError as error:
            raise ValueError(
                f"{error.strerror}; {OFF}, {METER}, {SAMPLE}, {', '.join(path.stem for path in SAMPLES)} or the path"
                " of a CSV file is accepted"
            ) from None
    return text


def base_load(options: BaseLoadOptions, substation_id: str, time_scale: float, known_w: int) -> BaseLoad:
    """Return the source of the substation's base load.

    `known_w` is the base load at the last commit: what a meter counts before its first reading. Raises
    ProfileUnusable or OSError for a file that can't be used.
    """
    if options.source == OFF:
        return NoBaseLoad()
    if options.source == METER:
        known_w = known_w or round(options.peak_kw * W_PER_KW)
        return Meter(round(options.meter_interval_s * time_scale * 1000), known_w)
    path = _path(options.source, substation_id)
    profile = _profile(path)
    if options.peak_kw:
        profile = profile.scaled(options.peak_kw * W_PER_KW)
    draws = random.Random(substation_id)  # noqa: S311 - a simulation, and the same one after a restart
    return Playback(
        path.stem if path in SAMPLES else str(path),
        profile,
        GridCalendar(options.day_starts_ms),
        hours_ms(options.shift_h),
        options.noise_share,
        tuple(draws.gauss(0, 1) for _ in range(DRAWS)),
    )


def _path(source: str, substation_id: str) -> Path:
    """Return the file of a source; `sample` is one of the samples, by the number in the substation's id."""
    if source == SAMPLE:
        number = re.search("([0-9]+)$", substation_id)
        return SAMPLES[(int(number[1]) - 1 if number else 0) % len(SAMPLES)]
    by_name = {path.stem: path for path in SAMPLES}
    return by_name.get(source) or Path(source)


def _profile(path: Path) -> Profile:
    try:
        return read_profile(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ProfileUnusable(f"{path} is not text in UTF-8") from None
    except ProfileUnusable as error:
        raise ProfileUnusable(f"{path}: {error}") from None
