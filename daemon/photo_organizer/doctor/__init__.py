"""What can be wrong with a machine or a set-up, and what to do about it."""
