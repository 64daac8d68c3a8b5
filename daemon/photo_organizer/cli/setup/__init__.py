"""Commands that set the program up, explain it and check it."""
