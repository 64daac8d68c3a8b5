"""What is to be done: names, duplicates, late companions, undo."""
