"""Listeners of a shared encoder, those of spaCy too, and the states that they read."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from spacy_transformers.layers import TransformerListener
from spacy_transformers.layers.listener import forward as stock_forward
from spacy_transformers.pipeline_component import install_extensions

from ..doc.plurals import count_noun
from ..doc.states import get_states

# Without an encoder in the pipeline, `doc._.trf_data` still has to exist for the errors below.
install_extensions()


class Connection(NamedTuple):
    """Connection of a listener.

    component (str): The component that the listener belongs to.
    encoder (str | None): The encoder; None for the last one.
    cleaner (str | None): The component between the two that drops the states, if there is one.
    """

    component: str
    encoder: str | None
    cleaner: str | None


NOT_CONNECTED = Connection("", None, None)


def connect(listener: Any, connection: Connection) -> None:
    """Connect a listener with an encoder.

    listener (TransformerListener): The listener, of this library or of spaCy's.
    connection (Connection): The connection.
    """
    listener.connection = connection
    if listener._func is stock_forward:
        listener._func = forward_stock


def forward(
    model: TransformerListener, docs: list[Doc], is_train: bool
) -> tuple[list[TransformerData], Callable[[list[TransformerData]], Any]]:
    """Return the states that the encoder sent in training, or those in the docs."""
    if is_train:
        _require_no_cleaner(model)
        # A frozen encoder sends nothing.
        if model._batch_id is not None:
            model.verify_inputs(docs)
            return cast(list[TransformerData], model._outputs), model.backprop_and_clear
    return [read_states(model, doc) for doc in docs], lambda d_docs: None


def forward_stock(
    model: TransformerListener, docs: list[Doc], is_train: bool
) -> tuple[list[TransformerData], Callable[[list[TransformerData]], Any]]:
    """As `forward`, but spaCy initializes components with docs that nothing has encoded."""
    if is_train or any(get_states(doc) is not None for doc in docs):
        return forward(model, docs, is_train)
    _require_no_cleaner(model)
    return stock_forward(model, docs, is_train)


def read_states(listener: TransformerListener, doc: Doc) -> TransformerData:
    """Read the states in a doc.

    listener (TransformerListener): The listener.
    doc (Doc): The doc.
    RETURNS (TransformerData): The states.
    RAISES (ValueError): If there are no states, or they belong to other tokens.
    """
    states = get_states(doc, _connection(listener).encoder)
    if states is None and len(doc):
        _require_no_cleaner(listener)
        raise ValueError(MISSING_STATES)
    if states is None:
        return TransformerData.empty()
    if len(states.align.lengths) != len(doc):
        raise ValueError(
            f"A doc has {count_noun(len(doc), 'token')}, but had {len(states.align.lengths)} when "
            "the encoder read it. Put components that merge or split tokens, such as "
            "'merge_entities', before 'str_encoder', or after every component that reads its "
            "states."
        )
    return states


def _connection(listener: TransformerListener) -> Connection:
    return getattr(listener, "connection", NOT_CONNECTED)


def _require_no_cleaner(listener: TransformerListener) -> None:
    connection = _connection(listener)
    if connection.cleaner is not None:
        raise ValueError(TOO_LATE.format(**connection._asdict()))


TOO_LATE = (
    "'{component}' reads the states of '{encoder}', but comes after '{cleaner}', which drops them. "
    "Put it before: nlp.add_pipe(..., before='{cleaner}')."
)
MISSING_STATES = (
    "A doc has no encoder output. Run 'str_encoder' before this component: put it into the "
    "pipeline, don't disable it, and if it is frozen in training, list it under "
    "`training.annotating_components` too. To train a component that was disabled when the "
    "pipeline was loaded, load the pipeline without `disable`."
)
