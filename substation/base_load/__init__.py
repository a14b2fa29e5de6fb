"""The base load: what a substation's transformer carries besides cars, from a recorded profile or a meter.

It says how many watts that are at a grid time. It never decides about cars.
"""
