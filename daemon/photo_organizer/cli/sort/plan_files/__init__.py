"""Plans on disk: written, checked and compressed."""
