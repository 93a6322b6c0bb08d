"""Docs of the shipped pipelines are docs like others: spaCy's methods do on them what they do on
docs that no component has seen."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from spacy import displacy
from spacy.attrs import IS_ALPHA, ORTH
from spacy.language import Language
from spacy.tokens import Doc, Span, Token
from spacy.util import load_config, load_model_from_config

from .pipelines import ANNOTATIONS, ENGLISH, Annotation, make_example, with_entities

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.cfg"))
Call = Callable[[Any], Any]


def merge(doc: Doc) -> None:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])


# Methods that need arguments, and what else is done with docs.
CALLS: dict[type, dict[str, Call]] = {
    Doc: {
        "char_span": lambda doc: doc.char_span(0, 3),
        "count_by": lambda doc: doc.count_by(ORTH),
        "extend_tensor": lambda doc: doc.extend_tensor(numpy.ones((len(doc), 2), dtype="f")),
        "from_array": lambda doc: doc.from_array([ORTH], doc.to_array([ORTH])),
        "from_bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
        "from_dict": lambda doc: Doc(doc.vocab).from_dict(doc.to_dict()),
        "from_docs": lambda doc: Doc.from_docs([doc, doc.copy()]),
        "from_json": lambda doc: Doc(doc.vocab).from_json(doc.to_json()),
        "get_extension": lambda doc: doc.get_extension("relations"),
        "has_annotation": lambda doc: doc.has_annotation("ENT_IOB"),
        "has_extension": lambda doc: doc.has_extension("relations"),
        "retokenize": merge,
        "set_ents": lambda doc: doc.set_ents([*doc.ents]),
        "similarity": lambda doc: doc.similarity(doc[:2]),
        "to_array": lambda doc: doc.to_array([ORTH]),
        "displacy": lambda doc: displacy.render(doc, style="ent"),
    },
    Span: {
        "as_doc": lambda span: span.as_doc(copy_user_data=True),
        "char_span": lambda span: span.char_span(0, 1),
        "get_extension": lambda span: span.get_extension("score"),
        "has_extension": lambda span: span.has_extension("score"),
        "similarity": lambda span: span.similarity(span.doc),
        "to_array": lambda span: span.to_array([ORTH]),
        "as_doc alone": lambda span: span.as_doc(),
        "displacy": lambda span: displacy.render(span, style="ent"),
    },
    Token: {
        "check_flag": lambda token: token.check_flag(IS_ALPHA),
        "get_extension": lambda token: token.get_extension("none"),
        "has_extension": lambda token: token.has_extension("none"),
        "is_ancestor": lambda token: token.is_ancestor(token.nbor()),
        "iob_strings": lambda token: token.iob_strings(),
        "set_morph": lambda token: token.set_morph("Number=Sing"),
        "similarity": lambda token: token.similarity(token.nbor()),
    },
}
# These change the class, or files.
ELSEWHERE = {"from_disk", "remove_extension", "set_extension", "to_disk"}
NAMES = [
    (kind, name)
    for kind, calls in CALLS.items()
    for name in sorted({*calls, *(each for each in dir(kind) if each[0] != "_")} - ELSEWHERE)
]
FIND: dict[type, Call] = {
    Doc: lambda doc: doc,
    Span: lambda doc: doc.ents[0],
    Token: lambda doc: doc[0],
}


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda path: path.stem)
def nlp(request: pytest.FixtureRequest, encoder_path: Path) -> Language:
    config = load_config(request.param, overrides={"paths.encoder": str(encoder_path)})
    config["components"]["str_encoder"]["model"]["focus_layers"] = 2
    config["initialize"]["before_init"] = None
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize(lambda: [make_example(nlp, find_annotation(nlp))])
    return nlp


def find_annotation(nlp: Language) -> Annotation:
    return ANNOTATIONS[0] if nlp.lang == "zh" else ENGLISH


@pytest.mark.slow
def test_methods_do_the_same_as_on_a_doc_that_no_component_has_seen(nlp: Language) -> None:
    for kind, name in NAMES:
        doc, untouched = (with_entities(nlp, find_annotation(nlp)) for _ in range(2))
        find = FIND[kind]
        assert outcome(find(nlp(doc)), name) == outcome(find(untouched), name), (kind, name)


def outcome(owner: Any, name: str) -> tuple[str, set[str]]:
    """The kind of result, or the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = type(use(owner, name)).__name__
        except Exception as error:
            result = repr(error)
    return result, {str(each.message) for each in caught}


def use(owner: Any, name: str) -> Any:
    if call := CALLS[type(owner)].get(name):
        return call(owner)
    value = getattr(owner, name)
    value = value() if callable(value) else value
    return [*value] if isinstance(value, Iterator) else value
