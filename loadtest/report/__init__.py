"""What a run leaves behind: its document, the printed table, and the folder of runs."""
