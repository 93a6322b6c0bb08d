"""The entities of a doc."""

from spacy.tokens import Doc, Span
from spacy.training import Example


def get_entities(doc: Doc, spans_key: str | None = None) -> list[Span]:
    """The entities that relations are looked for between, in text order.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds them; `doc.ents` if None.
    RETURNS (list[Span]): The entities.
    """
    spans = doc.ents if spans_key is None else doc.spans.get(spans_key, [])
    return sorted(spans, key=lambda span: (span.start, span.end, span.label_))


def has_entities(doc: Doc, spans_key: str | None = None) -> bool:
    """Tell a doc whose entities are set, if only as none, from one that nobody annotated.

    doc (Doc): The doc.
    spans_key (str | None): The span group that holds them; `doc.ents` if None.
    RETURNS (bool): Whether they are set. With `doc.ents` they are in a doc without tokens.
    """
    return doc.has_annotation("ENT_IOB") if spans_key is None else spans_key in doc.spans


def put_gold_entities(example: Example) -> Example:
    """Put the gold entities into the predicted doc, those that align with its tokens.

    example (Example): An example whose predicted doc is not annotated.
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
    RETURNS (int): How many do not align with the tokens of the predicted doc, those of span groups
        included.
    """
    predicted, reference = example.predicted, example.reference
    lost = len(reference.ents) - len(predicted.ents)
    return lost + sum(
        len(spans) - len(predicted.spans[key]) for key, spans in reference.spans.items()
    )
