"""Commands that run the daemon and talk to it."""
