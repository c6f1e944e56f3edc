"""Services for organizations, users, keys and catalogs: one callable per business event, atomic and audited."""
