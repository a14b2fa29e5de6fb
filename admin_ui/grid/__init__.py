"""The console's view of the grid: fleet, history, rates and outages, and the calls to balancer and gateway.

This folder never decides on an order: it sends what it is given.
"""
