"""The servers that are compared, each on the same database."""
