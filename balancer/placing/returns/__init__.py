"""When refused requests should come back, and the power that is kept for those who were promised a moment.

This folder never chooses a substation.
"""
