"""Vectors of terms, by the encoder of a pipeline."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy
from spacy.language import Language
from spacy_transformers import Transformer

from ..terminology.strings import PackedStrings
from ..terminology.vectors import TermVectors, Vectors, mean_output
from .str_cleaner import drops_states

MAX_TERMS = 100_000
# Vectors of an encoder that has not changed differ by the texts of their batch.
SAME = 0.99


def make_vectors(
    nlp: Language, component: Callable[..., Any], name: str, forms: PackedStrings
) -> TermVectors:
    """Encode terms.

    nlp (Language): The pipeline.
    component (Callable[[Doc], Doc]): The component that needs the vectors.
    name (str): Its name.
    forms (PackedStrings): The normal forms of the terms.
    RETURNS (TermVectors): Their vectors.
    RAISES (ValueError): If no encoder precedes the component, or there are too many terms.
    """
    if len(forms) > MAX_TERMS:
        raise ValueError(
            f"{name}: vectors are for at most {MAX_TERMS:,} terms, got {len(forms):,}. Use a "
            "smaller terminology, or set vectors = false."
        )
    encoder = _find_encoder(nlp, component)
    if encoder is None:
        raise ValueError(
            f"{name}: vectors = true requires an encoder before the component, such as "
            "'str_encoder', and no 'str_cleaner' between them."
        )
    return TermVectors.from_output(_encode(nlp, encoder, forms))


def are_old(
    nlp: Language, component: Callable[..., Any], vectors: TermVectors, forms: PackedStrings
) -> bool:
    """Check whether the encoder has changed since terms were encoded.

    nlp (Language): The pipeline.
    component (Callable[[Doc], Doc]): The component that needs the vectors.
    vectors (TermVectors): The vectors.
    forms (PackedStrings): The normal forms of the terms.
    RETURNS (bool): Whether the first term has another vector now. Without an encoder, nobody knows.
    """
    encoder = _find_encoder(nlp, component)
    if encoder is None:
        return False
    [output] = _encode(nlp, encoder, [forms[0]])
    return vectors.compare(output, 0) < SAME


def _encode(nlp: Language, encoder: Transformer, forms: Iterable[str]) -> Vectors:
    return numpy.stack([mean_output(doc) for doc in encoder.pipe(map(nlp.make_doc, forms))])


def _find_encoder(nlp: Language, component: Callable[..., Any]) -> Transformer | None:
    """RETURNS (Transformer | None): The encoder whose output a component gets; None if there is
    none, or a cleaner drops it.
    """
    found: Transformer | None = None
    for _, each in nlp.components:
        if each is component:
            return found
        if isinstance(each, Transformer):
            found = each
        elif drops_states(each):
            found = None
    return None
