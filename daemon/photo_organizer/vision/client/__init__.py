"""The daemon's side of the vision process. Light imports only."""
