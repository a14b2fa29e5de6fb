"""What a run leaves behind: its document, the printed tables, and the runs folder.

It never measures, and never judges.
"""
