"""Torch modules for those who do without BERT. They know neither spaCy nor thinc."""
