"""A comparison as one HTML page that needs nothing else: light and dark, on a screen and on paper.

Pure. Each chart has a table of the same figures.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import zip_longest

from loadtest.compare import charts, pictures, terminal
from loadtest.compare.groups import ComparedRun, Comparison, Group
from loadtest.compare.noise import Finding
from loadtest.compare.style import STYLE
from loadtest.paper.document import read
from loadtest.paper.fields import moment
from loadtest.paper.headline import headline

KINDS = {
    "response": "Response time, from the planned moment",
    "service": "Service time, from when an attempt was sent",
}


def page(comparison: Comparison) -> str:
    """Return the page of a comparison."""
    body = "".join(
        (
            "<h1>Comparison of runs</h1>",
            _summary(comparison),
            _notes(comparison),
            _fleet(comparison),
            _figures(comparison),
            _loads(comparison),
            _latencies(comparison),
            _runs(comparison),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Comparison of runs</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; `head` and `rows` are HTML. The first cell of each row is its heading."""
    columns = "".join(f'<th scope="col">{each}</th>' for each in head)
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{each}</td>" for each in row[1:])}</tr>'
        for row in rows
    )
    named = escape(caption)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{named}"><table><caption>{named}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _summary(comparison: Comparison) -> str:
    """Return, for each further group, what differs from the first."""
    first = escape(comparison.groups[0].name)
    items = []
    for index, group in enumerate(comparison.groups[1:], start=1):
        found = {finding: _named(comparison, index, finding) for finding in Finding}
        parts = [f"{finding.capitalize()}: {', '.join(names)}." for finding, names in found.items() if names]
        items.append(
            f"<li><b>{escape(group.name)}</b> against <b>{first}</b>. {escape(' '.join(parts))}</li>"
        )
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _named(comparison: Comparison, index: int, finding: Finding) -> list[str]:
    verdicts = ((merit.name, cells[index].assessment) for merit, cells in comparison.rows)
    names = [name for name, verdict in verdicts if verdict and verdict.finding is finding]
    return ["all figures"] if len(names) == len(comparison.rows) > 1 else names


def _notes(comparison: Comparison) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in comparison.notes)
    return f'<ul class="notes">{notes}</ul>' if notes else ""


def _figures(comparison: Comparison) -> str:
    head = ["figure"]
    for index, group in enumerate(comparison.groups):
        head.append(f"{escape(group.name)}<br><small>{terminal.measure(group)}</small>")
        head += ["difference", "verdict"] if index else []
    rows = []
    for merit, cells in comparison.rows:
        row = [escape(merit.name)]
        for index, cell in enumerate(cells):
            row.append(terminal.spread(merit, cell))
            if index:
                differs = cell.assessment is not None and cell.assessment.finding is Finding.DIFFERS
                words = escape(terminal.verdict(cell))
                row += [terminal.delta(merit, cell), f"<b>{words}</b>" if differs else words]
        rows.append(row)
    method = f"<p>{escape(terminal.method())}.</p>" if len(comparison.groups) > 1 else ""
    shown = table("Figures of merit", head, rows)
    return f'<section class="figures"><h2>Figures</h2>{shown}{method}</section>'


def _fleet(comparison: Comparison) -> str:
    """Return the load of the fleet in every run on one chart, each in a colour and a dash of its own."""
    chart = pictures.fleet(comparison, pictures.window_s(comparison.in_order))
    if chart is None:
        return ""
    names = charts.legend([(name, kind) for _, name, kind in pictures.run_lines(comparison)])
    about = "All runs on one chart, from the first arrival on. The line at 100 % is the limit."
    rows = [
        [f"{at_s:.1f} s", *("-" if share is None else f"{share * 100:.1f} %" for share in shares)]
        for at_s, shares in pictures.fleet_rows(comparison)
    ]
    heads = [escape(comparison.letter(each) or each.name) for each in comparison.in_order]
    inside = table("Load of the fleet over its limit", ["after", *heads], rows)
    figure = f"<figure>{charts.draw(chart)}<details><summary>As a table</summary>{inside}</details></figure>"
    return f"<section><h2>Load of the fleet</h2><p>{about}</p>{names}{figure}</section>"


def _loads(comparison: Comparison) -> str:
    runs = [compared for group in comparison.groups for compared in group.runs]
    seconds, highest = pictures.window_s(runs), pictures.highest_percent(runs)
    if not highest:
        return ""
    names = pictures.substations(runs)
    key = charts.legend([(name, kind) for kind, name in enumerate(names)])
    figures = "".join(_load(*each, seconds, highest) for each in _in_turn(comparison.groups))
    about = (
        "Load over capacity of each substation while cars arrive. All runs have the same axes; the line at 100 % is the"
        " limit. A dashed vertical line marks a change on the grid during the run."
    )
    return (
        f"<section><h2>Load of each substation over time</h2><p>{about}</p>{key}"
        f'<div class="multiples">{figures}</div></section>'
    )


def _in_turn(groups: Sequence[Group]) -> Iterator[tuple[str, ComparedRun]]:
    """Yield the first run of each group, then the second of each, and so on: the groups are side by side."""
    for number, row in enumerate(zip_longest(*(group.runs for group in groups)), start=1):
        for group, compared in zip(groups, row, strict=True):
            if compared:
                yield f"{group.name}, run {number}" if len(group.runs) > 1 else group.name, compared


def _load(title: str, compared: ComparedRun, seconds: float, highest: float) -> str:
    names = pictures.substations([compared])
    rows = [
        [f"{at_s:.1f} s", *(f"{shares[name] * 100:.1f} %" for name in names)]
        for at_s, shares in pictures.load_rows(compared)
    ]
    chart = charts.draw(pictures.loads(compared, seconds, highest, title))
    inside = table(f"Utilization in {title}", ["after", *map(escape, names)], rows)
    return f"<figure>{chart}<details><summary>{escape(compared.name)} as a table</summary>{inside}</details></figure>"


def _latencies(comparison: Comparison) -> str:
    figures = "".join(_latency(comparison, kind, title) for kind, title in KINDS.items())
    if not figures:
        return ""
    key = charts.legend([(name, kind) for _, name, kind in pictures.run_lines(comparison)])
    about = "One line for each run. Both axes are logarithmic: a factor of ten always has the same length, and so has one more nine."
    return (
        f"<section><h2>How long answers took</h2><p>{about}</p>{key}"
        f'<div class="multiples">{figures}</div></section>'
    )


def _latency(comparison: Comparison, kind: str, title: str) -> str:
    chart = pictures.latencies(comparison, kind, title)
    if chart is None:
        return ""
    columns = [dict(pictures.latency_rows(group, kind)) for group in comparison.groups]
    rows = [
        [
            f"{share * 100:g} %",
            *("-" if (ms := column[share]) is None else f"{ms:,.1f} ms" for column in columns),
        ]
        for share in pictures.PERCENTILES
    ]
    names = [escape(group.name) for group in comparison.groups]
    caption = "Median of the runs of each group"
    return f"<figure>{charts.draw(chart)}{table(caption, ['of the answers within', *names], rows)}</figure>"


def _runs(comparison: Comparison) -> str:
    rows = [
        [
            escape(f"{comparison.letter(compared)} {compared.name}".strip()),
            escape(group.name),
            _verdict(compared),
            *(escape(moment(compared.run.get(each)) or "-") for each in PLAN),
            _load_generator(compared),
        ]
        for group in comparison.groups
        for compared in group.runs
    ]
    return f"<section><h2>Runs</h2>{table('Runs', ['run', 'group', 'result', *(n.replace('_', ' ') for n in PLAN), 'load generator'], rows)}</section>"


PLAN = ("policy", "preset", "requests", "seconds", "seed", "started_at")


def _verdict(compared: ComparedRun) -> str:
    """Return the verdict on a run, as in its report."""
    return escape(headline(read(compared.document)).word.lower())


def _load_generator(compared: ComparedRun) -> str:
    generator = compared.document["result"].get("generator") or {}
    return escape(str(generator.get("verdict") or "-"))
