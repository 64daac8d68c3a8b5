"""What the journal says about all photos together: a table, plots, and a page of them."""
