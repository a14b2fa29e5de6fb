"""Time: `make soak MINUTES=n` takes real processes through a year of grid time, with upgrades, restarts and pruning.

It judges by slopes whether memory, descriptors, threads, tasks and files stay flat. Nothing here is part of a service.
"""
