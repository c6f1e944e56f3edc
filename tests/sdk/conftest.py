"""What the test runner of the product leaves alone."""

# They import generated clients, and run where those are.
collect_ignore_glob = ["python/*"]
