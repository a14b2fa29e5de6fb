"""Support for tests of several services: real clients, real processes, plain data."""
