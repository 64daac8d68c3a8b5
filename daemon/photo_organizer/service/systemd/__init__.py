"""The daemon as a systemd user service."""
