"""Commands about models and categories."""
