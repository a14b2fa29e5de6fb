"""Placement by the peak to come: what each substation will carry while a car stays, and whom that favours.

This folder is handed forecasts and never makes one; it chooses by them and says why.
"""
