"""Services for patients: one callable per business event, atomic and audited."""
