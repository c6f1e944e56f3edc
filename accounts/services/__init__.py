"""What happens to organizations, users and keys. One callable a business event, atomic and audited."""
