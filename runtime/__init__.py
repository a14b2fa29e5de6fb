"""The process frame that all services share.

It owns settings, listeners and their limits, signals, health pages, logs, the metrics page,
problem+json, the stream coalescer and the group-commit writer. It never knows the domain: no
substation, no session, no watt.
"""
