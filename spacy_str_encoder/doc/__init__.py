"""What a Doc carries: entities, relations, records, and where it comes from."""
