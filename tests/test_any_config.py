"""Any settings: a component that works, or an error that says what is wrong."""

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .pipelines import MakeNlp, make_examples

ANYTHING = (
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=3) | st.just([])
)
MODEL = {
    "focus_layers": st.integers(1, 3) | ANYTHING,
    "window": st.integers(-2, 64),
    "stride": st.integers(-2, 64),
    "mask": st.sampled_from(["pair", "cls"]) | ANYTHING,
}
RELATIONS = {
    "spans_key": st.none() | ANYTHING,
    "schema": st.sampled_from([None, "observed"]) | ANYTHING,
    "symmetric": st.lists(st.sampled_from(["Modifier", "Negative", "other"])) | ANYTHING,
    "exclusive": st.booleans() | ANYTHING,
    "threshold": st.floats(0, 1) | ANYTHING,
    "negative_rate": st.floats(0, 1) | ANYTHING,
    "seed": st.integers(0, 99) | ANYTHING,
    "candidates": st.fixed_dictionaries(
        {"@misc": st.just("spacy-str-encoder.max_distance.v1"), "tokens": ANYTHING}
    ),
}


@pytest.mark.slow
@settings(max_examples=200)
@given(
    model=st.fixed_dictionaries({}, optional=MODEL),
    rel=st.fixed_dictionaries({}, optional=RELATIONS),
)
def test_any_settings_make_a_pipeline_or_one_clear_error(
    make_nlp: MakeNlp, model: dict[str, Any], rel: dict[str, Any]
) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nlp = make_nlp(**model, **rel)
            examples = make_examples(nlp)
            nlp.initialize(lambda: examples)
            nlp.update(examples)
            nlp(examples[0].text)
    except ValueError as error:
        assert str(error)
