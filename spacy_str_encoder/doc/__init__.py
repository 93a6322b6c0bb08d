"""Data of a doc: entities, relations, records and origin.

Importing this package declares the extension attributes of docs and spans.
"""

from .extensions import install_extensions

install_extensions()
