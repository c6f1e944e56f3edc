"""Importing the CSV tables of Synthea, the generator of synthetic records. The import is idempotent."""
