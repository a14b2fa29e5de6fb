"""Finding a seat for a request: choosing by the view, holding the power, and waiting for room.

This folder never asks a substation and never reads the order book.
"""
