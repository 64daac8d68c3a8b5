"""What the daemon tells other programs: hooks, notifications, monitoring."""
