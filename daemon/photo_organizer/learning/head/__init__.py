"""The head and its training."""
