"""The grammar of the dialects: what every endpoint shares, and one module a dialect for its wire format."""
