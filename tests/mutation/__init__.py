"""Wrong versions of the safety code, each of which the tests must notice."""
