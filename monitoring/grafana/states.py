"""What each panel shows in each state of the grid. The reference prints this table, and tests check it.

A figure is its value and, where it is not grey, its colour.
"""

import dataclasses

SAME = "as idle"


@dataclasses.dataclass(frozen=True)
class Shown:
    """What one panel shows: nothing scraped; one car at three substations; a rush hour at 80 %; one of them drained; one lost; one above a lowered limit."""

    empty: str
    idle: str
    rush: str = SAME
    drained: str = SAME
    lost: str = SAME
    over: str = SAME


STATES = {
    "empty": "nothing is scraped yet",
    "idle": "three substations of 1,400 kW, one car of 11 kW",
    "rush": "one minute of a rush hour; every substation is at 80 %, and rises by 4 kW a second",
    "drained": "`substation-2` is drained and still at 10 %, the others are at 80 %",
    "lost": "`substation-3` does not answer, the others are at 80 %",
    "over": "the limit of `substation-1` was lowered to 700 kW while its load rose; every load is 1,120 kW",
}
NOTHING = "“nothing yet”"
NO_RUSH_HOUR = "no rush hour"
_LINE_ENDS = "the lost one's line ends"

GRID = {
    "Utilization": Shown("none takes cars", "0 %", "80 %", "80 %", "80 %", "96 %, orange"),
    "Headroom": Shown("no data", "4.19 MW", "840 kW", "560 kW", "560 kW", "560 kW"),
    "Time to limit": Shown("not rising", "not rising", "70 s", "not rising", "not rising", "not rising"),
    "Imbalance": Shown("little load", "little load", "1.000", "1.000", "1.000", "1.500, red"),
    "Waiting requests": Shown("no data", "0", "3, orange", "0", "0", "0"),
    "Admission overload": Shown("no data", "0", "0", "0", "0", "0"),
    "State of each substation": Shown(
        NOTHING, "healthy", drained="`takes no cars`, blue", lost="suspect, orange; then ejected, red"
    ),
    "Alerts": Shown(
        "none",
        "none",
        "alerts that are pending or firing, such as OverloadPredicted",
        lost="SubstationDown",
        over="SubstationOverload",
    ),
    "Load of $substation": Shown(
        "no panel",
        "load near 0, the limit above it in grey",
        "load rises to the limit",
        "load falls to 0",
        _LINE_ENDS,
        "load in red above the limit, which has come down",
    ),
    "Utilization of each": Shown(
        NOTHING,
        "lines near 0 %, grey limits at 90 and 100 %",
        "lines rise together",
        "the drained one falls",
        _LINE_ENDS,
        "the line above 100 % is red",
    ),
    "Headroom of each": Shown(
        NOTHING,
        "lines near 1.4 MW, the limit at 0 in sight",
        "lines fall together",
        "the drained one rises",
        _LINE_ENDS,
        "a line below 0",
    ),
    "Time to limit of each": Shown(
        "“no load rises”",
        "“no load rises”",
        "lines below five minutes",
        "lines of those that rise",
        "lines of those that rise",
        "no line of the one above its limit",
    ),
    "Test window: average and peak load": Shown(
        "“no rush hour”",
        "each limit; no rush hour in each other cell",
        "each column of each substation",
        SAME,
        "the limit of the lost one too, while it is in the range",
        "the highest limit in the range",
    ),
    "Window imbalance": Shown(NO_RUSH_HOUR, NO_RUSH_HOUR, "1.0000", NO_RUSH_HOUR, NO_RUSH_HOUR, NO_RUSH_HOUR),
    "Handled in the range": Shown("no data", "0", "120", "0", "0", "0"),
    "Handled requests": Shown(
        NOTHING, "lines at 0", "lines close together", "the drained one at 0", _LINE_ENDS
    ),
    "Admission outcomes": Shown(NOTHING, NOTHING, "an area for each outcome, no line for what is 0"),
    "Time to answer": Shown(
        NOTHING, "gaps", "lines below the promise, which is in sight", "gaps", "gaps", "gaps"
    ),
    "Spread of the time to answer": Shown(
        NOTHING, "no cell", "a band; its cells add up to the answers a second"
    ),
    "Within the promise": Shown("no admission", "no admission", "100.00 %", *["no admission"] * 3),
    "Waiting over time": Shown(NOTHING, "line at 0", "line at 3"),
    "Imbalance over time": Shown(
        "“little load”",
        "“little load”",
        "line at 1; 1.05 and 1.2 in sight",
        "line at 1",
        "line at 1",
        "line at 1.5",
    ),
    "Report age": Shown(NOTHING, "lines below 1 s; 1.8 and 3 s in sight", lost="the lost one rises"),
    "Error of the estimate": Shown(NOTHING, "near 0; 50 and 150 kW in sight", "some kilowatts"),
    "Energy delivered in the range": Shown("no data", "0 Wh", "above 0", "above 0", "above 0", "above 0"),
    "Power that comes free within": Shown(
        "no data", "0 W in each of six bars, 1 s first", *["rising from 1 s to 300 s"] * 4
    ),
    "Cars that charge": Shown(
        NOTHING, "lines near 0", "lines rise", "the drained one falls", _LINE_ENDS, "lines"
    ),
}
SERVICES = {
    "Scraped": Shown(NOTHING, "up", lost="down, red"),
    "What runs": Shown("“no data”", "a row for each process", lost="without the lost one"),
    "Slowest scrape": Shown("no data", "10 ms", lost="900 ms, red"),
    "Requests": Shown(NOTHING, "near 0", "lines"),
    "Errors": Shown(NOTHING, "no line; 1 and 5 % in sight", "line at 0 %"),
    "Answers of substations": Shown(NOTHING, NOTHING, "an area for each outcome, no line for what is 0"),
    "Duration": Shown(NOTHING, "gaps; the promise in sight", "lines by handler"),
    "Loop lag": Shown(NOTHING, "lines near 1 ms; 50 and 100 ms in sight", lost=_LINE_ENDS),
    "Processor": Shown(NOTHING, "lines near 0; 70 and 90 % in sight", "lines", lost=_LINE_ENDS),
    "Memory": Shown(NOTHING, "lines below 128 MiB", lost=_LINE_ENDS),
    "Open files": Shown(NOTHING, "lines near 0; 70 and 90 % in sight", lost=_LINE_ENDS),
    "Journal commit": Shown(NOTHING, "gaps; 50 and 100 ms in sight", "lines", lost=_LINE_ENDS),
    "Spread of journal commits": Shown(NOTHING, "no cell", "a band"),
    "Decisions in a commit": Shown(NOTHING, "gaps", "lines above 1"),
    "Calls in a message": Shown(NOTHING, "gaps", "lines above 1"),
    "Poll": Shown(NOTHING, "line near 5 ms; 250 and 800 ms in sight"),
    "Failed polls": Shown(NOTHING, "line at 0 %; 1 and 10 % in sight", lost="line at 33 %"),
    "Stream clients": Shown(NOTHING, "lines"),
}
SHOWN = GRID | SERVICES
