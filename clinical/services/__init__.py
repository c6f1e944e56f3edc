"""What happens in care. One callable a business event, atomic and audited."""
