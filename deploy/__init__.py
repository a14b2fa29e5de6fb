"""Runs the grid: on this machine (`local`), in containers (`compose`), on several machines (`swarm`)."""
