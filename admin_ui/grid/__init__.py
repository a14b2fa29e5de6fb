"""What the console knows of the grid: fleet, history, rates and outages, and the calls that it makes to balancer and gateway.

This folder never gives an order by itself.
"""
