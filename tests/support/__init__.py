"""What tests of several services build on: real clients, real processes, plain data."""
