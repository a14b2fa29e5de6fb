"""Alarms: the rules, what they find, the life of each alarm, its history, and the runbooks.

This folder never asks the grid: it judges what the console shows.
"""
