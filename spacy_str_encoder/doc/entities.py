"""Entities of a doc."""

from itertools import chain

from spacy.tokens import Doc, Span
from spacy.training import Example

# The span group of entities that may overlap, unless another one is named; spaCy's own default.
SPANS_KEY = "sc"


def get_entities(doc: Doc, spans_key: str | None = None) -> list[Span]:
    """Return the entities of a doc that can have relations, in text order.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (list[Span]): The entities.
    """
    spans = doc.ents if spans_key is None else doc.spans.get(spans_key, [])
    return sorted(spans, key=lambda span: (span.start, span.end, span.label_))


def has_entities(doc: Doc, spans_key: str | None = None) -> bool:
    """Check whether the entities of a doc are annotated. A doc with no entities is annotated if
    they were set to an empty list.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (bool): Whether the entities have been set; always True for `doc.ents` of a doc without
        tokens.
    """
    return doc.has_annotation("ENT_IOB") if spans_key is None else spans_key in doc.spans


def name_place(spans_key: str | None) -> str:
    """Name the place of entities, for messages.

    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (str): The name.
    """
    return "doc.ents" if spans_key is None else f"doc.spans[{spans_key!r}]"


def find_gold_key(doc: Doc, spans_key: str | None) -> str | None:
    """Find the entities of an annotated doc: if it has the span group, the group holds all of
    them, and `doc.ents` a choice without overlaps.

    doc (Doc): The doc.
    spans_key (str | None): The span group.
    RETURNS (str | None): The span group if the doc has it, otherwise None, for `doc.ents`.
    """
    return spans_key if spans_key is not None and spans_key in doc.spans else None


def get_gold_entities(doc: Doc, spans_key: str | None) -> list[Span]:
    """Return the entities of an annotated doc, in text order, see `find_gold_key`.

    doc (Doc): The doc.
    spans_key (str | None): The span group.
    RETURNS (list[Span]): The entities.
    """
    return get_entities(doc, find_gold_key(doc, spans_key))


def has_gold_entities(doc: Doc, spans_key: str | None) -> bool:
    """Check whether an annotated doc has annotated entities, see `find_gold_key`.

    doc (Doc): The doc.
    spans_key (str | None): The span group.
    RETURNS (bool): Whether it has the group, or `doc.ents` is annotated.
    """
    return has_entities(doc, find_gold_key(doc, spans_key))


def put_gold_entities(example: Example) -> Example:
    """Copy the gold entities that align with the tokens of the predicted doc into it.

    example (Example): An example with an unannotated predicted doc.
    RETURNS (Example): The same example.
    """
    predicted, reference = example.predicted, example.reference
    predicted.set_ents(example.get_aligned_spans_y2x(reference.ents))
    for key, spans in reference.spans.items():
        predicted.spans[key] = example.get_aligned_spans_y2x(spans, allow_overlap=True)
    return example


def count_lost_entities(example: Example) -> int:
    """Count the gold entities that `put_gold_entities` left out.

    example (Example): The example.
    RETURNS (int): Number of entities, including span groups, that do not align with the tokens of
        the predicted doc. An entity that is both in `doc.ents` and in span groups counts once.
    """
    reference = example.reference
    spans = chain(reference.ents, *reference.spans.values())
    entities = {(span.start, span.end, span.label): span for span in spans}
    aligned = example.get_aligned_spans_y2x(entities.values(), allow_overlap=True)
    return len(entities) - len(aligned)
