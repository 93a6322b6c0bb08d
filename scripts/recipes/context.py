"""Attributes of entities from medspaCy's ConText, for English. See docs/recipes.md.

Where medspaCy and this library are installed together, add the component `context_attributes`
after `medspacy_context`. Elsewhere, run this file in an environment that has medspaCy:

    python scripts/recipes/context.py texts.jsonl --output with-attributes.jsonl
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span

# What ConText sets, as attribute and value. Of two values of one attribute, the later counts.
FLAGS = {
    "is_uncertain": ("Assertion", "possible"),
    "is_negated": ("Assertion", "negated"),
    "is_historical": ("Time", "past"),
    "is_hypothetical": ("Time", "hypothetical"),
    "is_family": ("Experiencer", "family"),
}
SPANS_KEY = "sc"


def read_flags(entity: Span) -> dict[str, str]:
    """Return what ConText found out about an entity.

    entity (Span): The entity.
    RETURNS (dict[str, str]): The values by attribute.
    """
    return dict(each for flag, each in FLAGS.items() if entity._.get(flag))


@Language.factory(
    "context_attributes",
    requires=["doc.ents"],
    assigns=["span._.attributes"],
    default_config={
        "spans_key": None,
        "defaults": {},
        "scorer": {"@scorers": "spacy-str-encoder.attribute_scorer.v1"},
    },
    default_score_weights={"attrs_f": 1.0, "attrs_p": 0.0, "attrs_r": 0.0, "attrs_per_type": None},
)
def make_context_attributes(
    nlp: Language,
    name: str,
    spans_key: str | None,
    defaults: dict[str, str],
    scorer: Callable[..., dict[str, Any]] | None,
) -> "ContextAttributes":
    """Construct a `context_attributes` component.

    nlp (Language): The pipeline, with `medspacy_context`.
    name (str): The name of the component.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    defaults (dict[str, str]): The values of entities of which ConText says nothing, by attribute.
    scorer (Callable | None): The scoring method.
    RETURNS (ContextAttributes): The component.
    """
    return ContextAttributes(name, spans_key=spans_key, defaults=defaults, scorer=scorer)


class ContextAttributes(Pipe):
    """Pipeline component that copies what ConText found to `span._.attributes`."""

    def __init__(
        self,
        name: str = "context_attributes",
        *,
        spans_key: str | None = None,
        defaults: Mapping[str, str] | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Initialize the component, see `make_context_attributes`."""
        self.name, self.scorer = name, scorer
        # `evaluate` and spaCy look up these settings here.
        self.cfg: dict[str, Any] = {"spans_key": spans_key, "defaults": dict(defaults or {})}

    def __call__(self, doc: Doc) -> Doc:
        """Set the attributes of the entities of a doc. Attributes of other names stay.

        doc (Doc): The doc, after `medspacy_context`.
        RETURNS (Doc): The same doc.
        RAISES (ValueError): If there is no `medspacy_context`.
        """
        # The command below runs where this library is not installed.
        from spacy_str_encoder import get_attributes, set_attributes

        if not Span.has_extension("is_negated"):
            raise ValueError(f"{self.name}: add the component medspacy_context before this one")
        key, names = self.cfg["spans_key"], {name for name, _ in FLAGS.values()}
        for entity in doc.ents if key is None else doc.spans.get(key, []):
            known = (get_attributes(entity) or {}).items()
            others = {name: value for name, value in known if name not in names}
            set_attributes(entity, others | self.cfg["defaults"] | read_flags(entity))
        return doc


def make_context() -> Language:
    """Create a pipeline that finds sentences, and runs ConText on a span group.

    RETURNS (Language): The pipeline.
    """
    import medspacy  # type: ignore[import-not-found]  # noqa: F401
    from loguru import logger  # type: ignore[import-not-found]

    # It writes a line for each sentence.
    logger.disable("PyRuSH")
    nlp = spacy.blank("en")
    nlp.add_pipe("medspacy_pyrush")
    config = {"input_span_type": "group", "span_group_name": SPANS_KEY}
    nlp.add_pipe("medspacy_context", config=config)
    return nlp


def add_attributes(nlp: Language, text: dict[str, Any]) -> dict[str, Any]:
    """Add attributes to the entities of a text.

    nlp (Language): The pipeline, see `make_context`.
    text (dict[str, Any]): The text, as in the format `jsonl`.
    RETURNS (dict[str, Any]): The text with attributes.
    """
    doc = nlp.make_doc(text["text"])
    places = [(entity["start"], entity["end"]) for entity in text["entities"]]
    spans: list[Any] = [doc.char_span(*place, alignment_mode="expand") for place in places]
    doc.spans[SPANS_KEY] = spans
    nlp(doc)
    entities = [
        {**entity, "attributes": read_flags(span)}
        for entity, span in zip(text["entities"], spans, strict=True)
    ]
    return {**text, "entities": entities}


def read_texts(path: Path) -> Iterator[dict[str, Any]]:
    """Read the texts of a file.

    path (Path): The file, in the format `jsonl`.
    YIELDS (dict[str, Any]): Each text.
    """
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def main() -> None:
    """Add attributes to a file of texts with entities."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path, help="Texts with entities, in the format jsonl.")
    parser.add_argument("--output", "-o", type=Path, required=True, help="File to write.")
    options = parser.parse_args()
    nlp = make_context()
    texts = (add_attributes(nlp, text) for text in read_texts(options.input))
    lines = [f"{json.dumps(text, ensure_ascii=False)}\n" for text in texts]
    options.output.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
