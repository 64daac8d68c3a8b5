"""Decoding photos and classifying them, in a process of their own. Nothing heavy is imported here."""
