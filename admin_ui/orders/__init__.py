"""Orders of operators: what an order would do, carrying it out, and reading from the audit log who ordered what."""
