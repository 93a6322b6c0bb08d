"""Attributes of entities: which there are, and the gold ones."""
