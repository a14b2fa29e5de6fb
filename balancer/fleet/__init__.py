"""What the balancer knows: which substations there are, the newest report of each, and what was placed since.

This folder never asks a substation to charge a car.
"""
