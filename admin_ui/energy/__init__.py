"""The energy that substations delivered, by the hour and the day, from the counters that they tell.

This folder never estimates energy from loads: a load is what is reserved, and a car may draw less.
"""
