"""One run from beginning to end: settle, take the lease, send, give the lease back, conclude; and several in turn.

It is the only folder that changes the grid, and it undoes what it has changed.
"""
