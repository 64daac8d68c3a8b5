"""Commands about single photos and what became of them."""
