"""The daemon: its loop, its child processes, and what it reports."""
