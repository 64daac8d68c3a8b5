"""What decoding one photo may cost, and how photos share the memory for it."""
