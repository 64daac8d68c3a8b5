"""`doctor`: checks of the machine and the setup, each with a remedy."""
