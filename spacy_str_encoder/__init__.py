from . import forks, records, relation
from .records import to_records
from .relation import Relation

forks.use_one_thread_in_forks()
relation.install_extensions()
records.install_extensions()

__all__ = ["Relation", "to_records"]
