"""Learning: corrections become labels, labels become a model, and a model that is not worse is promoted."""
