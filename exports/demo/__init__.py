"""The demo clinic, with invented people and patients."""
