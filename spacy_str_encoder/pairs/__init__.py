"""Pairs of entities: which are candidates, which relations are possible, and what is gold."""
