"""A private certificate authority for one grid, and the certificates of its services; it runs in no service."""
