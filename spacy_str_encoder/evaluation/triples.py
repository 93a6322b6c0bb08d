"""Relations as triples of strings: subject, predicate and object, wherever in the text they are.

CMeIE and DuIE are scored this way: a triple counts once a text, and types of entities do not count.
The script of DuIE also ignores case and the marks of a title (《》), and accepts the aliases of a
list. Here, strings are those of the text.

Sources: Guan et al. 2020, CMeIE: Construction and Evaluation of Chinese Medical Information
Extraction Dataset; Zhang et al. 2022, CBLUE, arXiv 2106.08087, where it is a task; Li et al. 2019,
DuIE: A Large-scale Chinese Dataset for Information Extraction.
"""

from collections.abc import Callable, Collection, Iterable

from ..doc.relation import Place, RelationKey, sort_ends
from .counts import DocKeys
from .outcomes import RelationOutcome

# String and type of an entity. The type is empty if it does not count.
Mention = tuple[str, str]
# Subject, object and predicate.
StringTriple = tuple[Mention, Mention, str]


def list_triples(
    docs: Iterable[RelationOutcome], symmetric: Collection[str], *, typed: bool = False
) -> list[DocKeys]:
    """List the predicted and the gold triples of each doc, without repeats.

    docs (Iterable[RelationOutcome]): The outcome of each doc.
    symmetric (Collection[str]): The labels whose direction does not matter.
    typed (bool): Whether the types of subject and object count.
    RETURNS (list[DocKeys]): The triples of each doc. The last part of a triple is the label.
    """

    def find(doc: RelationOutcome, keys: Iterable[RelationKey]) -> set[StringTriple]:
        def mention(place: Place) -> Mention:
            start, end, label = place
            return doc.text[start:end].strip(), label if typed else ""

        return {_make_triple(key, mention, symmetric) for key in keys}

    return [(find(doc, doc.predicted), find(doc, doc.gold)) for doc in docs]


def _make_triple(
    relation: RelationKey, mention: Callable[[Place], Mention], symmetric: Collection[str]
) -> StringTriple:
    head, tail, label = relation
    # In the order of the strings: the same two may stand in another order elsewhere in the text.
    first, second = sort_ends((mention(head), mention(tail)), label, symmetric)
    return first, second, label
