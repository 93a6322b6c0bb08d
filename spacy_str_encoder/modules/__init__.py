"""Torch modules that depend on neither spaCy nor thinc."""
