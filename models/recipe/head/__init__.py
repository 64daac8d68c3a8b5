"""From features to the starter's head."""
