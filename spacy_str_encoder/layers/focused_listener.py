from collections.abc import Callable
from typing import Any, cast

from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from spacy_transformers.layers import TransformerListener
from spacy_transformers.pipeline_component import install_extensions
from thinc.api import Model

from .str_encoder import STREncoder

# A pipeline without an encoder has to be able to say that there are no states.
install_extensions()


class FocusedListener(TransformerListener):
    """Hands on the states of an encoder earlier in the pipeline, and lends its top K layers.

    The encoder is held beside the layers, not among them: its parameters are neither saved nor
    stepped by the component that listens.
    """

    name = "focused-listener"

    def __init__(self, upstream_name: str) -> None:
        """Build the layer.

        upstream_name (str): The name of the component to listen to, or `*` for any.
        """
        Model.__init__(self, name=self.name, forward=forward, dims={"nO": None})
        self.upstream_name = upstream_name
        self.encoder: STREncoder | None = None
        self._batch_id = None
        self._outputs = None
        self._backprop = None

    @classmethod
    def get_batch_id(cls, docs: list[Doc]) -> int:
        """Tell one batch from another, the order of its tokens included.

        docs (list[Doc]): The batch.
        RETURNS (int): The id.
        """
        return hash(tuple(tuple(token.orth for token in doc) for doc in docs))

    @property
    def is_training(self) -> bool:
        """RETURNS (bool): Whether the encoder has sent a batch and waits for its gradients. A
        frozen encoder sends none.
        """
        return self._batch_id is not None


def forward(
    model: FocusedListener, docs: list[Doc], is_train: bool
) -> tuple[list[TransformerData], Callable[[list[TransformerData]], Any]]:
    if is_train and model.is_training:
        model.verify_inputs(docs)
        return cast(list[TransformerData], model._outputs), model.backprop_and_clear
    return [_states(doc) for doc in docs], lambda d_docs: None


def _states(doc: Doc) -> TransformerData:
    if doc._.trf_data is not None:
        return doc._.trf_data
    if len(doc) == 0:
        return TransformerData.empty()
    raise ValueError(MISSING_STATES)


MISSING_STATES = (
    "A doc has no states of the encoder. Run 'str_encoder' before this component: put it into the "
    "pipeline, don't disable it, and if it is frozen in training, list it under "
    "`training.annotating_components` too."
)
