"""Reading the CSV tables that Synthea, the generator of synthetic records, writes. A second reading adds nothing."""
