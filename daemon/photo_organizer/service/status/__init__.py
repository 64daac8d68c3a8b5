"""The status of the daemon: status.json, what needs attention, and log messages."""
