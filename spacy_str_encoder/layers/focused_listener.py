from spacy.tokens import Doc
from spacy_transformers.layers import TransformerListener
from thinc.api import Model

from .listening import NOT_CONNECTED, forward
from .str_encoder import STREncoderLayer


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
        self.connection = NOT_CONNECTED
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
