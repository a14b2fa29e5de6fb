"""Sending a plan to the gateway at its moments, and reading the grid from outside while that goes on."""
