from collections.abc import Callable
from typing import Any, cast

from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from spacy_transformers.layers import TransformerListener
from spacy_transformers.pipeline_component import install_extensions
from thinc.api import Model

from .str_encoder import STREncoderLayer

# Without an encoder in the pipeline, `doc._.trf_data` still has to exist for the error below.
install_extensions()


class FocusedListenerLayer(TransformerListener):
    """Layer that passes on the states of an earlier encoder in the pipeline, and lends its top K
    layers.

    The encoder is an attribute, not a sublayer, so the listening component neither saves nor
    updates its parameters.
    """

    name = "focused-listener"

    def __init__(self, upstream_name: str) -> None:
        """Build the layer.

        upstream_name (str): The name of the component to listen to, or `*` for any.
        """
        Model.__init__(self, name=self.name, forward=forward, dims={"nO": None})
        self.upstream_name = upstream_name
        self.encoder: STREncoderLayer | None = None
        self._batch_id = None
        self._outputs = None
        self._backprop = None

    @classmethod
    def get_batch_id(cls, docs: list[Doc]) -> int:
        """Compute the id of a batch, which depends on its tokens and their order.

        docs (list[Doc]): The batch.
        RETURNS (int): The id.
        """
        return hash(tuple(tuple(token.orth for token in doc) for doc in docs))

    @property
    def is_training(self) -> bool:
        """RETURNS (bool): Whether the encoder has sent a batch and waits for its gradients. A
        frozen encoder never does.
        """
        return self._batch_id is not None


def forward(
    model: FocusedListenerLayer, docs: list[Doc], is_train: bool
) -> tuple[list[TransformerData], Callable[[list[TransformerData]], Any]]:
    """Return the states that the encoder sent in training, or those in the docs."""
    if is_train and model.is_training:
        model.verify_inputs(docs)
        return cast(list[TransformerData], model._outputs), model.backprop_and_clear
    return [get_states(doc) for doc in docs], lambda d_docs: None


def get_states(doc: Doc) -> TransformerData:
    """Get the encoder's output for a doc.

    doc (Doc): The doc.
    RETURNS (TransformerData): The states.
    RAISES (ValueError): If there are no states, or they belong to other tokens.
    """
    states = doc._.trf_data
    if states is None and len(doc):
        raise ValueError(MISSING_STATES)
    if states is None:
        return TransformerData.empty()
    if len(states.align.lengths) != len(doc):
        raise ValueError(
            f"A doc has {len(doc)} tokens, but had {len(states.align.lengths)} when the encoder "
            "read it. Put components that merge or split tokens, such as 'merge_entities', before "
            "'str_encoder', or after every component that reads its states."
        )
    return states


MISSING_STATES = (
    "A doc has no encoder output. Run 'str_encoder' before this component: put it into the "
    "pipeline, don't disable it, and if it is frozen in training, list it under "
    "`training.annotating_components` too. To train a component that was disabled when the "
    "pipeline was loaded, load the pipeline without `disable`."
)
