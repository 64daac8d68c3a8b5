"""What a training learns from, and what judges it."""
