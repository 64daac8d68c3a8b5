"""What runs in the vision process."""
