"""Load on the grid: seeded arrivals sent to the gateway, and the evidence that the grid stayed balanced.

It owns the presets, the arrival plans and the oracle that runs are compared with, the sending, the sampling of the
substations and the verdict on the thresholds. It never imports a service (only the pure `substation.plan`, for
oracles): it learns from the answers to its own requests, the balancer's `/fleet` and each substation's `/metrics`.
It changes the grid by the balancer's operator calls alone. It holds a lease while it sends, so that one run at a time
uses a grid. The preset `outage` drains a substation, and `--policy` switches the policy; both are undone at the end.

The folders, in the order in which a run needs them; each `__init__` says what the folder owns:

1. `plan/`: which cars arrive when, and what they request.
2. `run/`: one run from beginning to end, and several in turn.
3. `send/`: the requests. `record/`: what is measured meanwhile. `show/`: what a person or a program sees of it.
4. `judge/`: the figures that follow, and the thresholds.
5. `report/`: the documents and files of a run. `paper/` draws pages from a document, `compare/` compares several.

`cli` and `options` are the command line. `contract` is what programs that start the load test may import.
"""
