"""A decoder for each of the other formats."""
