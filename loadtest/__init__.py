"""Load on the grid: seeded arrivals sent to the gateway, and the proof that the grid stayed balanced.

It owns the presets, the arrival plans and the oracle that they are held against, the sending, the
sampling of the substations and the verdict on the thresholds. It never imports a service (only the pure
`substation.plan`, for oracles): what it knows comes from the clients' own answers, the balancer's
`/fleet` and each substation's `/metrics`. It changes the grid by the balancer's operator
calls alone: it holds a lease while it sends, so that one run at a time goes to one grid; `outage` drains a
substation, `--policy` switches the policy, and both are put back.

To find your way, read in this order:

1. What is sent: `presets`, then `plan`, which draws `arrivals` after one of the `shapes`. `demand` says
   what power that asks for, `plan_view` shows it.
2. A run: `cli` and `options` make an `order`, `launch` is the process, `rush` the run from beginning to end,
   `measure` its middle. `target`, `settle` and `lease` come before anything is sent. `rounds` are several
   runs of one plan, `switch` the policy of each.
3. Meanwhile: `engine` sends (`retrying`, `credential`), `grid` samples, `generator` watches the load test
   itself, `outage` drains. `conditions` are changes that somebody made on the grid, `reservations` what sessions really
   reserved. `view` is one moment; `screen` shows it, `progress` tells it through a `pipe`.
4. What came of it: `records` are what was seen; `figures`, `balance`, `latency` and `ideal`, which asks the
   `oracle`, are the arithmetic of a `result`; `thresholds` and `verdict` judge it.
5. What is left: `report` makes the document, `tables` prints it, `runs` keeps it; `paper/` draws pages and
   sheets from the document alone, `compare/` sets several documents beside each other.
"""
