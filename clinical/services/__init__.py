"""Services for charts and monitoring: one callable per business event, atomic and audited."""
