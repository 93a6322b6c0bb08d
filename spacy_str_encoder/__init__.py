from . import records, relation
from .records import to_records
from .relation import Relation

relation.install_extensions()
records.install_extensions()

__all__ = ["Relation", "to_records"]
