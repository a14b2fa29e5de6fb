"""The rush-hour test: it runs as a child process, one at a time; its options, progress, and the folder of its runs.

This folder never sends load itself: the load test does.
"""
