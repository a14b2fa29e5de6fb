"""Load on the grid: seeded arrivals sent to the gateway, and the proof that the grid stayed balanced.

It owns the presets, the arrival plans and the oracle that they are held against, the sending, the
sampling of the substations and the verdict on the thresholds. It never imports a service (only the pure
`substation.plan`, for oracles): what it knows comes from the clients' own answers, the balancer's
`/fleet` and each substation's `/metrics`. It changes the grid in one preset only, `outage`, by the
balancer's operator calls.
"""
