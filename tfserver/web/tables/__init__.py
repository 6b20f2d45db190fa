"""The rows of the table of routes, by subject."""
