"""All open sessions of the grid: each substation is asked for a page, and what they answer is merged into one.

This folder never keeps a session: a page is made when a browser asks for it.
"""
