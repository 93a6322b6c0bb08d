from . import forks
from .doc import records, relation
from .doc.records import to_records
from .doc.relation import Relation

forks.use_one_thread_in_forks()
relation.install_extensions()
records.install_extensions()

__all__ = ["Relation", "to_records"]
