"""What the starter learns from: collections, the pixel cache, teachers, the split."""
