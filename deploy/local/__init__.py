"""`make run`: the grid on this machine, under a supervisor. It never runs inside a service."""
