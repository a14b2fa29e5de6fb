"""What a run leaves to read: pages, plots and CSV files, as pure functions of its document.

It owns how a result looks. It never measures, and never judges: the document says which thresholds passed.
"""
