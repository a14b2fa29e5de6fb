"""What the balancer remembers: the order book of keys and claims, withdrawals, and the lease of the rush hour.

This folder never talks to a substation.
"""
