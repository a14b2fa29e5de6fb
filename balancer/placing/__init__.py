"""What the balancer decides: which substation gets a request, who waits for room, and when to come back.

This folder never writes the order book's tables itself.
"""
