"""Data of a doc: entities, relations, records and origin.

Importing this package declares the extension attributes of docs and spans.
"""

from . import records, relation

relation.install_extensions()
records.install_extensions()
