"""Camera RAW and the previews within it."""
