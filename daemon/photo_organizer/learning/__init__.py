"""Learning: corrections become labels, labels become a model, and only a better model takes over."""
