"""Shows a run in progress: bars on a terminal, and lines of JSON for a program.

It never holds up the sending: a reader that stalls misses lines.
"""
