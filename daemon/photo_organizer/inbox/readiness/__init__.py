"""Whether a group of files is complete, and photos that are wanted."""
