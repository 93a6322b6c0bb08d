"""Encoders of token context without BERT."""

from thinc.api import Model
from thinc.types import Floats2d

from ..layers.token_encoder import TokenEncoder
from ..modules.bilstm import BiLSTM as BiLSTMModule
from ..modules.dilated_convolutions import ResidualDilatedConvolutions


def BiLSTM(width: int, depth: int) -> Model[list[Floats2d], list[Floats2d]]:
    """Construct a bidirectional LSTM, an `encode` layer for `spacy.Tok2Vec.v2`.

    Unlike `spacy.TorchBiLSTMEncoder.v1`, it does not read padding, so that docs in a batch do not
    affect each other. It also supports docs without tokens and parameter averages of the optimizer.

    Sources: Huang et al. 2015, arXiv 1508.01991; Gridach 2017, J. Biomed. Inform. 70.

    width (int): The width of the vectors, the same as in the `embed` layer.
    depth (int): The number of layers.
    RETURNS (Model[list[Floats2d], list[Floats2d]]): The layer.
    """
    return TokenEncoder("bilstm", BiLSTMModule(width, depth=depth), width=width)


def ResidualDilatedCNN(
    width: int, window_size: int, dilations: list[int]
) -> Model[list[Floats2d], list[Floats2d]]:
    """Construct residual dilated convolutions over tokens, an `encode` layer for
    `spacy.Tok2Vec.v2`.

    Source: Qiu et al. 2018, arXiv 1808.08669.

    width (int): The width of the vectors, the same as in the `embed` layer.
    window_size (int): The number of tokens that a convolution covers on either side.
    dilations (list[int]): The distance between these tokens in each layer.
    RETURNS (Model[list[Floats2d], list[Floats2d]]): The layer.
    """
    module = ResidualDilatedConvolutions(width, window_size=window_size, dilations=dilations)
    return TokenEncoder("residual_dilated_cnn", module, width=width)
