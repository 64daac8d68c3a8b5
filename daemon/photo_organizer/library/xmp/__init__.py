"""Keywords in XMP sidecars."""
