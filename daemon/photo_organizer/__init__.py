"""Smart Photo Organizer: files the photos dropped in an inbox, and learns from corrections.

The rooms, in the order in which a photo walks through them: `inbox`, `vision`, `library`; `learning` beside
them, `service` above, `cli` on top. `docs/architecture.md` shows the house.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("smart-photo-organizer")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+unknown"
