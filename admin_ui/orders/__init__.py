"""Orders of operators: a preview of an order's effects, carrying it out, and the orders given so far.

This folder never calls an order done that the grid has not confirmed.
"""
