"""What a Doc carries: entities, relations, records, and where it comes from.

To import anything of this declares the extension attributes of docs and spans.
"""

from . import records, relation

relation.install_extensions()
records.install_extensions()
