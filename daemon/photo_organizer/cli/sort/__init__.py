"""The `sort` command."""

from photo_organizer.cli.sort.command import sort

__all__ = ["sort"]
