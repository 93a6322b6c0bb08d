"""Joint extraction of entities and relations with one BERT, in spaCy.

The public API is `__all__` here and in `evaluation`, `frames` and `visualize`. All other modules
are private.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .forks import use_one_thread_in_forks

if TYPE_CHECKING:
    from .doc.attributes import get_attribute_scores, get_attributes, set_attributes
    from .doc.codes import Code, get_codes, set_codes
    from .doc.plain_data import Annotations, to_annotations
    from .doc.records import Record, key_values, to_records
    from .doc.relation import Relation, get_relations, get_score, set_relations
    from .exports.graph.to_networkx import to_networkx
    from .files.records import to_rows, write_records
    from .modules.masks import cls_mask, pair_mask
    from .pairs.candidates import all_pairs

__all__ = [
    "Annotations",
    "Code",
    "Record",
    "Relation",
    "all_pairs",
    "cls_mask",
    "get_attribute_scores",
    "get_attributes",
    "get_codes",
    "get_relations",
    "get_score",
    "key_values",
    "pair_mask",
    "set_attributes",
    "set_codes",
    "set_relations",
    "to_annotations",
    "to_networkx",
    "to_records",
    "to_rows",
    "write_records",
]

# Modules are imported when one of their names is first used: spaCy imports torch, which takes
# seconds, and `spacy-str-encoder --help` needs neither.
_MODULES = {
    "doc.attributes": ("get_attribute_scores", "get_attributes", "set_attributes"),
    "doc.codes": ("Code", "get_codes", "set_codes"),
    "doc.plain_data": ("Annotations", "to_annotations"),
    "doc.records": ("Record", "key_values", "to_records"),
    "doc.relation": ("Relation", "get_relations", "get_score", "set_relations"),
    "exports.graph.to_networkx": ("to_networkx",),
    "files.records": ("to_rows", "write_records"),
    "modules.masks": ("cls_mask", "pair_mask"),
    "pairs.candidates": ("all_pairs",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


use_one_thread_in_forks()
if "spacy" in sys.modules:
    # Declare `doc._.relations` and the other extensions. Without spaCy, nothing can use them yet.
    import_module(".doc", __name__)
