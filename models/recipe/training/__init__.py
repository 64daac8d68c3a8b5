"""The network and its training loop."""
