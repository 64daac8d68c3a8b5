"""The contact sheet of a plan."""
