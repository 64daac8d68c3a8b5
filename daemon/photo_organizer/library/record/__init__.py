"""What is remembered: journal, ledger, history."""
