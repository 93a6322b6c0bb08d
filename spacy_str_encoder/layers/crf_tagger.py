from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Dropout, Linear, Model, chain, resizable, with_array, zero_init
from thinc.layers.resizable import resize_linear_weighted, resize_model
from thinc.types import Floats2d

from .crf import CRF, resize_crf
from .with_features import TokenVectors, with_features

TaggerOutT = list[Floats2d]


def crf_tagger(
    tok2vec: TokenVectors, *, features: TokenVectors | None = None
) -> Model[list[Doc], TaggerOutT]:
    """Build a model that scores the BILUO tags of tokens for a CRF.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 9 to 12.

    tok2vec (Model[list[Doc], list[Floats2d]]): Layer that returns a vector for each token.
    features (Model[list[Doc], list[Floats2d]] | None): Layer that returns further features of each
        token.
    RETURNS (Model[list[Doc], list[Floats2d]]): The model. Its output are the emissions of each
        doc, *shape:* (tokens, tags). Its ref `crf` is the CRF.
    """
    # With zeros, nothing is an entity. With random weights, every other token would be one, and the
    # evaluation before training would classify all their pairs.
    linear = Linear(init_W=zero_init)
    output: Model[Floats2d, Floats2d] = resizable(linear, resize_layer=resize_linear_weighted)
    crf = CRF()
    dropout: Model[Floats2d, Floats2d] = Dropout()
    vectors = tok2vec if features is None else with_features(tok2vec, features)
    emissions: Model[list[Doc], TaggerOutT] = chain(vectors, with_array(chain(dropout, output)))
    return Model(
        "crf_tagger",
        forward,
        init=init,
        layers=[emissions, crf],
        refs={"tok2vec": tok2vec, "output_layer": output, "crf": crf},
        attrs={"resize_output": resize_output},
    )


def init(
    model: Model[list[Doc], TaggerOutT], X: list[Doc] | None = None, Y: TaggerOutT | None = None
) -> None:
    """Initialize the layers below the CRF."""
    model.layers[0].initialize(X=X)


def forward(
    model: Model[list[Doc], TaggerOutT], docs: list[Doc], is_train: bool
) -> tuple[TaggerOutT, Callable[[TaggerOutT], Any]]:
    """Compute the emissions, without the CRF."""
    return model.layers[0](docs, is_train)


def resize_output(
    model: Model[list[Doc], TaggerOutT], labels: list[str], *, nested: bool
) -> Model[list[Doc], TaggerOutT]:
    """Add labels to the tagger, and keep its weights for the others.

    model (Model[list[Doc], list[Floats2d]]): The tagger.
    labels (list[str]): All labels, the old ones first.
    nested (bool): Whether entities may overlap, see `NestedCRF`.
    RETURNS (Model[list[Doc], list[Floats2d]]): The same model.
    """
    resize_crf(model.get_ref("crf"), labels, nested=nested)
    resize_model(model.get_ref("output_layer"), 1 + 4 * len(labels))
    return model
