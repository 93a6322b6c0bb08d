"""Pairs of entities: candidate pairs, possible relations and gold relations."""
