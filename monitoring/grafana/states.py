"""What each panel shows in each state of the grid. The reference prints this table, and tests check it.

A figure is its value and, where it is not grey, its colour.
"""

import dataclasses

SAME = "as idle"


@dataclasses.dataclass(frozen=True)
class PanelStates:
    """The text that a panel shows in each state of the grid.

    The states: nothing scraped; one car at three substations; a rush hour at 80 %; one of the substations drained;
    one lost; one above a lowered limit.
    """

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
    "Utilization": PanelStates("none takes cars", "0 %", "80 %", "80 %", "80 %", "96 %, orange"),
    "Headroom": PanelStates("no data", "4.19 MW", "840 kW", "560 kW", "560 kW", "560 kW"),
    "Time to limit": PanelStates(
        "not rising", "not rising", "70 s", "not rising", "not rising", "not rising"
    ),
    "Imbalance": PanelStates("little load", "little load", "1.000", "1.000", "1.000", "1.500, red"),
    "Waiting requests": PanelStates("no data", "0", "3, orange", "0", "0", "0"),
    "Admission overload": PanelStates("no data", "0", "0", "0", "0", "0"),
    "State of each substation": PanelStates(
        NOTHING, "healthy", drained="`takes no cars`, blue", lost="suspect, orange; then ejected, red"
    ),
    "Alerts": PanelStates(
        "none",
        "none",
        "alerts that are pending or firing, such as OverloadPredicted",
        lost="SubstationDown",
        over="SubstationOverload",
    ),
    "Load of $substation": PanelStates(
        "no panel",
        "load near 0 on top of the base load, the limit above it in grey",
        "load rises to the limit",
        "load falls to 0",
        _LINE_ENDS,
        "load in red above the limit, which has come down",
    ),
    "Utilization of each": PanelStates(
        NOTHING,
        "lines near 0 %, grey limits at 90 and 100 %",
        "lines rise together",
        "the drained one falls",
        _LINE_ENDS,
        "the line above 100 % is red",
    ),
    "Headroom of each": PanelStates(
        NOTHING,
        "lines near 1.4 MW, the limit at 0 in sight",
        "lines fall together",
        "the drained one rises",
        _LINE_ENDS,
        "a line below 0",
    ),
    "Time to limit of each": PanelStates(
        "“no load rises”",
        "“no load rises”",
        "lines below five minutes",
        "lines of those that rise",
        "lines of those that rise",
        "no line of the one above its limit",
    ),
    "Paused sessions": PanelStates(NOTHING, "lines at 0", lost=_LINE_ENDS),
    "Pauses and resumptions": PanelStates(NOTHING, "lines at 0"),
    "Overload by cause": PanelStates(NOTHING, "lines at 0", over="`derating` above 0"),
    "Forecast error of each": PanelStates(NOTHING, "lines below 100 %"),
    "Coverage of the band": PanelStates(NOTHING, "lines near 80 %"),
    "Expected peak of each": PanelStates(NOTHING, "lines near 0 %"),
    "Forecasts": PanelStates("no data", "good", *["good"] * 4),
    "Predictive beside another policy": PanelStates("no data", "0 in each of five bars", "some"),
    "Test window: average and peak load": PanelStates(
        "“no rush hour”",
        "each limit; no rush hour in each other cell",
        "each column of each substation",
        SAME,
        "the limit of the lost one too, while it is in the range",
        "the highest limit in the range",
    ),
    "Window imbalance": PanelStates(
        NO_RUSH_HOUR, NO_RUSH_HOUR, "1.0000", NO_RUSH_HOUR, NO_RUSH_HOUR, NO_RUSH_HOUR
    ),
    "Handled in the range": PanelStates("no data", "0", "120", "0", "0", "0"),
    "Handled requests": PanelStates(
        NOTHING, "lines at 0", "lines close together", "the drained one at 0", _LINE_ENDS
    ),
    "Admission outcomes": PanelStates(NOTHING, NOTHING, "an area for each outcome, no line for what is 0"),
    "Time to answer": PanelStates(
        NOTHING, "gaps", "lines below the promise, which is in sight", "gaps", "gaps", "gaps"
    ),
    "Spread of the time to answer": PanelStates(
        NOTHING, "no cell", "a band; its cells add up to the answers a second"
    ),
    "Within the promise": PanelStates("no admission", "no admission", "100.00 %", *["no admission"] * 3),
    "Waiting over time": PanelStates(NOTHING, "line at 0", "line at 3"),
    "Imbalance over time": PanelStates(
        "“little load”",
        "“little load”",
        "line at 1; 1.05 and 1.2 in sight",
        "line at 1",
        "line at 1",
        "line at 1.5",
    ),
    "Report age": PanelStates(NOTHING, "lines below 1 s; 1.8 and 3 s in sight", lost="the lost one rises"),
    "Error of the estimate": PanelStates(NOTHING, "near 0; 50 and 150 kW in sight", "some kilowatts"),
    "Energy delivered in the range": PanelStates(
        "no data", "0 Wh", "above 0", "above 0", "above 0", "above 0"
    ),
    "Power that comes free within": PanelStates(
        "no data", "0 W in each of six bars, 1 s first", *["rising from 1 s to 300 s"] * 4
    ),
    "Cars that charge": PanelStates(
        NOTHING, "lines near 0", "lines rise", "the drained one falls", _LINE_ENDS, "lines"
    ),
}
SERVICES = {
    "Scraped": PanelStates(NOTHING, "up", lost="down, red"),
    "What runs": PanelStates("“no data”", "a row for each process", lost="without the lost one"),
    "Next expiry": PanelStates("no data", "infinite without TLS, else months", lost="no data"),
    "Slowest scrape": PanelStates("no data", "10 ms", lost="900 ms, red"),
    "Requests": PanelStates(NOTHING, "near 0", "lines"),
    "Errors": PanelStates(NOTHING, "no line; 1 and 5 % in sight", "line at 0 %"),
    "Answers of substations": PanelStates(
        NOTHING, NOTHING, "an area for each outcome, no line for what is 0"
    ),
    "Duration": PanelStates(NOTHING, "gaps; the promise in sight", "lines by handler"),
    "Loop lag": PanelStates(NOTHING, "lines near 1 ms; 50 and 100 ms in sight", lost=_LINE_ENDS),
    "Processor": PanelStates(NOTHING, "lines near 0; 70 and 90 % in sight", "lines", lost=_LINE_ENDS),
    "Memory": PanelStates(NOTHING, "lines below 128 MiB", lost=_LINE_ENDS),
    "Open files": PanelStates(NOTHING, "lines near 0; 70 and 90 % in sight", lost=_LINE_ENDS),
    "Tasks": PanelStates(NOTHING, "lines between 5 and 30", lost=_LINE_ENDS),
    "Journal commit": PanelStates(NOTHING, "gaps; 50 and 100 ms in sight", "lines", lost=_LINE_ENDS),
    "Spread of journal commits": PanelStates(NOTHING, "no cell", "a band"),
    "Decisions in a commit": PanelStates(NOTHING, "gaps", "lines above 1"),
    "Order book": PanelStates(NOTHING, "can be written", lost="the balancer's bar ends"),
    "Answer of the database": PanelStates(
        NOTHING, "with PostgreSQL a line near 1 ms; 100 ms and 1 s in sight"
    ),
    "Claims and statements": PanelStates(NOTHING, "lines at 0", "with PostgreSQL lines above 0"),
    "Lost connections": PanelStates(NOTHING, "line at 0"),
    "Replicas": PanelStates(NOTHING, "line at 0"),
    "Slowest replica": PanelStates(NOTHING, "empty"),
    "Claims": PanelStates(NOTHING, "line at 0"),
    "Delay of pruning": PanelStates(NOTHING, "line at 0"),
    "Calls in a message": PanelStates(NOTHING, "gaps", "lines above 1"),
    "Poll": PanelStates(NOTHING, "line near 5 ms; 250 and 800 ms in sight"),
    "Failed polls": PanelStates(NOTHING, "line at 0 %; 1 and 10 % in sight", lost="line at 33 %"),
    "Stream clients": PanelStates(NOTHING, "lines"),
}
SHOWN = GRID | SERVICES
