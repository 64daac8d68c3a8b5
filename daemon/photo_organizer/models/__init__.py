"""Model folders: their manifest, how they come into being, and which one is in use."""
