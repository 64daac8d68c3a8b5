"""Smart Photo Organizer: files the photos dropped in an inbox, and learns from corrections.

The packages, in the order in which a photo passes through them: `inbox`, `vision`, `library`. `learning`
stands beside them, `service` runs them, and `cli` holds the commands. `docs/architecture.md` describes them.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("smart-photo-organizer")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"
