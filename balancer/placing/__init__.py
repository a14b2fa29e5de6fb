"""What the balancer decides: which substation gets a request, which requests wait, and when refused ones return.

This folder never writes the order book's tables itself.
"""
