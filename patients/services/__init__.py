"""What happens to patients and catalogs. One callable a business event, atomic and audited."""
