"""HTTP for machines: schema to types, one call, schema back."""
