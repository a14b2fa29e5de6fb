"""One run from its beginning to its end: settle, take the lease, send, watch, give the lease back; several in turn."""
