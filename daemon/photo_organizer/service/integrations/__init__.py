"""Integration with other programs: hooks, desktop notifications, metrics."""
