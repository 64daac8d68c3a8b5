"""Requests of the owner: moving photos, pausing, relocating folders."""
