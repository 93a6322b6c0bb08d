"""What lets tokens look at each other, without BERT."""

from thinc.api import Model
from thinc.types import Floats2d

from ..layers.token_encoder import TokenEncoder
from ..modules.bilstm import BiLSTM as BiLSTMModule
from ..modules.dilated_convolutions import ResidualDilatedConvolutions


def BiLSTM(width: int, depth: int) -> Model[list[Floats2d], list[Floats2d]]:
    """Read the tokens of a doc from both ends: an `encode` layer for `spacy.Tok2Vec.v2`.

    Unlike `spacy.TorchBiLSTMEncoder.v1`, this does not read the padding, so that no doc changes
    another one of its batch; it takes docs without tokens, and an optimizer's averages.

    Sources: Huang et al. 2015, arXiv 1508.01991; Gridach 2017, J. Biomed. Inform. 70.

    width (int): The width of the vectors, the same as that of the `embed` layer.
    depth (int): The number of layers.
    RETURNS (Model[list[Floats2d], list[Floats2d]]): The layer.
    """
    return TokenEncoder("bilstm", BiLSTMModule(width, depth=depth), width=width)


def ResidualDilatedCNN(
    width: int, window_size: int, dilations: list[int]
) -> Model[list[Floats2d], list[Floats2d]]:
    """Let tokens look at their surroundings through dilated convolutions: an `encode` layer for
    `spacy.Tok2Vec.v2`.

    Source: Qiu et al. 2018, arXiv 1808.08669.

    width (int): The width of the vectors, the same as that of the `embed` layer.
    window_size (int): How many tokens on either side a convolution looks at.
    dilations (list[int]): The step from one of these tokens to the next, layer by layer.
    RETURNS (Model[list[Floats2d], list[Floats2d]]): The layer.
    """
    module = ResidualDilatedConvolutions(width, window_size=window_size, dilations=dilations)
    return TokenEncoder("residual_dilated_cnn", module, width=width)
