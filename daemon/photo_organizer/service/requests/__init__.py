"""What the owner asks for while the daemon runs: moves, a pause, a relocation."""
