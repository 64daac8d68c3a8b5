"""What the daemon says of itself: status.json, what needs its owner, log lines."""
