"""Commands for the machines of a cluster."""
