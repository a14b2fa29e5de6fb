"""What a run leaves to read: pages, plots and sheets, as pure functions of its document.

It owns how a result looks. It never measures, and never judges: the document says what held.
"""
