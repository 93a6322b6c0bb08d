"""Gold entities in the docs that a pipeline runs on: relations with correct entities."""

from spacy.training import Example


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
