"""Plain frozen data that every other package speaks, and the protocol of a resource kind."""
