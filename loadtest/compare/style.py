"""The style of the page and of its charts: light and dark, on a screen and on paper.

Pure. Lines differ by hue and by dash, so that they can be told apart without colours too. The hues are those of
Okabe and Ito (2008), which people with a colour vision deficiency can tell apart, lightened or darkened for their
background.
"""

LIGHT = """
--ground: #fff; --ink: #1b1f24; --quiet: #57606a; --rule: #d8dee4; --limit: #b3261e;
--line-0: #0072b2; --line-1: #b35900; --line-2: #00795a; --line-3: #8f3f71; --line-4: #6b6b00; --line-5: #1b1f24;
"""
DARK = """
--ground: #14171c; --ink: #e6e9ed; --quiet: #a3abb5; --rule: #353b44; --limit: #ff8a80;
--line-0: #56b4e9; --line-1: #f0a030; --line-2: #35c79a; --line-3: #e39ac4; --line-4: #f0e442; --line-5: #e6e9ed;
"""
CHART = """
text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
text.title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.grid { stroke: var(--rule); stroke-width: 1; }
.limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 2 3; }
.changed { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 4 4; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.line-0 { stroke: var(--line-0); }
.line-1 { stroke: var(--line-1); stroke-dasharray: 7 3; }
.line-2 { stroke: var(--line-2); stroke-dasharray: 2 2; }
.line-3 { stroke: var(--line-3); stroke-dasharray: 9 3 2 3; }
.line-4 { stroke: var(--line-4); stroke-dasharray: 12 4; }
.line-5 { stroke: var(--line-5); stroke-dasharray: 4 4; }
.line-6 { stroke: var(--line-0); stroke-dasharray: 3 3; }
.line-7 { stroke: var(--line-1); }
.line-8 { stroke: var(--line-2); stroke-dasharray: 12 3 3 3; }
.line-9 { stroke: var(--line-3); stroke-dasharray: 5 5; }
"""
STYLE = f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
@media print {{ :root {{ color-scheme: light; {LIGHT} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }}
main {{ max-width: 1120px; margin: 0 auto; padding: 24px 16px 48px; }}
h1 {{ font-size: 24px; margin: 0 0 12px; }} h2 {{ font-size: 18px; margin: 32px 0 8px; }}
p, li, small, caption {{ max-width: 75ch; }} ul {{ padding-left: 20px; }}
.notes {{ border-left: 3px solid var(--limit); padding-left: 28px; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; color: var(--quiet); padding: 4px 0; }}
th, td {{ padding: 4px 12px 4px 0; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }}
thead th {{ vertical-align: bottom; white-space: normal; min-width: 6rem; }} thead small {{ font-weight: 400; color: var(--quiet); }}
tbody th {{ font-weight: 400; }} th:first-child {{ text-align: left; }}
.figures td:nth-child(3n + 5), .figures th:nth-child(3n + 5) {{ text-align: left; padding-left: 4px; }}
section > .wide caption {{ position: absolute; clip-path: inset(50%); }}
tbody th, thead th:first-child {{ position: sticky; left: 0; background: var(--ground); }}
.multiples {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(460px, 100%), 1fr)); gap: 12px 24px; }}
figure {{ margin: 0; min-width: 0; break-inside: avoid; }} svg.chart {{ width: 100%; height: auto; display: block; }}
.legend {{ list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 0; margin: 8px 0; }}
.legend li {{ display: flex; align-items: center; gap: 8px; }}
details {{ font-size: 13px; }} summary {{ color: var(--quiet); cursor: pointer; }}
@media (max-width: 600px) {{ table {{ font-size: 12px; }} th, td {{ padding-right: 8px; }} }}
@media print {{ figure {{ break-inside: auto; }} svg.chart {{ break-inside: avoid; }} main {{ max-width: none; padding: 0; }} body {{ font-size: 11px; }} table {{ font-size: 9px; }} tr {{ break-inside: avoid; }} h2 {{ break-after: avoid; }} .multiples {{ grid-template-columns: 1fr 1fr; }} details::details-content {{ content-visibility: visible; block-size: auto; }} }}
{CHART}
"""
