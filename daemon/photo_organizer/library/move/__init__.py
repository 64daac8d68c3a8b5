"""How files are moved: the executor and its atomic steps."""
