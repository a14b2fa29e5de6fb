"""The rush hour: seeded arrivals sent to the gateway, and the proof that the grid stayed balanced.

It owns the arrival plans, the sending, the sampling of the substations and the verdict on the
thresholds. It never imports a service (only the pure `substation.plan`, for oracles): what it knows
comes from the clients' own answers, the balancer's `/fleet` and each substation's `/metrics`. While it
sends it holds a lease of the balancer's, so that one run at a time goes to one grid.
"""
