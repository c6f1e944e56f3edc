"""What happens to patients. One callable a business event, atomic and audited."""
