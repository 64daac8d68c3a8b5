"""From a file's own colours to sRGB."""
