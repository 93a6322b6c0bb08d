"""Heads that predict entities, their attributes, and relations of entity pairs."""

from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from thinc.api import Model
from thinc.types import Floats2d

from ..layers.classifier import classifier
from ..layers.crf_tagger import crf_tagger
from ..layers.embed_types import embed_types
from ..layers.focused_entities import FocusedEntities
from ..layers.focused_pairs import FocusedPairs
from ..layers.items import EntitiesInT, PairsInT
from ..layers.pair_pooling import Pooling
from ..layers.pooled_entities import PooledEntities
from ..layers.pooled_pairs import PooledPairs
from ..layers.with_types import with_types
from ..modules.masks import MaskName


def CRFTagger(
    tok2vec: Model[list[Doc], list[Floats2d]],
    features: Model[list[Doc], list[Floats2d]] | None = None,
) -> Model[list[Doc], list[Floats2d]]:
    """Construct a tagger that predicts entities with BILUO tags and a linear-chain CRF.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 9 to 12.

    tok2vec (Model[list[Doc], list[Floats2d]]): Any spaCy tok2vec layer, with a vector for each
        token.
    features (Model[list[Doc], list[Floats2d]] | None): Another tok2vec layer, whose vectors are
        concatenated, such as word shapes (`spacy.MultiHashEmbed.v2`) for an uncased encoder.
    RETURNS (Model[list[Doc], list[Floats2d]]): The tagger, see `layers.crf_tagger`.
    """
    return crf_tagger(tok2vec, features=features)


def RelationClassifier(
    tok2vec: Model[list[Doc], list[TransformerData]],
    mask: MaskName,
    hidden_width: int | None = None,
    entity_types: bool = False,
    pool_entities: bool = False,
    pool_context: bool = False,
) -> Model[PairsInT, Floats2d]:
    """Construct a classifier of entity pairs that uses the state of `[CLS]` after it attends to the
    pair alone.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 13 to 17.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`.
    mask (Literal["cls", "pair"]): `cls`: only `[CLS]` attends to the pair alone (Eq. 13). `pair`:
        the two entities do too (Eq. 14), which is cheaper, since no other rows are computed.
    hidden_width (int | None): The width of the hidden layer; if None, that of the pair vectors.
    entity_types (bool): Whether to add embeddings of the two entity types to their rows before the
        focused layers. Not in the paper; Eq. 14 only.
    pool_entities (bool): Whether to append the mean rows of the two entities to `[CLS]`. Not in the
        paper; Eq. 14 only.
    pool_context (bool): Whether to append the maxima of the encoder's output between the two
        entities, as in SpERT (Eberts and Ulges 2020, arXiv 1909.07755). Not in the paper.
    RETURNS (Model[list[DocPairs], Floats2d]): The classifier, see
        `layers.classifier`.
    """
    type_vectors = embed_types() if entity_types else None
    pairs2vectors = FocusedPairs(
        tok2vec,
        mask=mask,
        type_vectors=type_vectors,
        pool_entities=pool_entities,
        pool_context=pool_context,
    )
    return classifier(pairs2vectors, hidden_width=hidden_width)


def PooledRelationClassifier(
    tok2vec: Model[list[Doc], list[Floats2d]],
    pooling: Pooling,
    hidden_width: int | None = None,
    entity_types: bool = False,
) -> Model[PairsInT, Floats2d]:
    """Construct a classifier of entity pairs that uses the vectors of their tokens and context.

    tok2vec (Model[list[Doc], list[Floats2d]]): Any spaCy tok2vec layer, with a vector for each
        token, such as `spacy.Tok2VecListener.v1`.
    pooling (Model[tuple[list[Floats2d], list[IntArray]], Floats2d]): Layer that returns one vector
        for each pair: `PairMaxima`, `PairCNN` or `PairCapsules`.
    hidden_width (int | None): The width of the hidden layer; if None, that of the pair vectors.
    entity_types (bool): Whether to append embeddings of the two entity types.
    RETURNS (Model[list[DocPairs], Floats2d]): The classifier, see
        `layers.classifier`.
    """
    pairs2vectors = PooledPairs(tok2vec, pooling)
    if entity_types:
        pairs2vectors = with_types(pairs2vectors, embed_types())
    return classifier(pairs2vectors, hidden_width=hidden_width)


def AttributeClassifier(
    tok2vec: Model[list[Doc], list[TransformerData]], hidden_width: int | None = None
) -> Model[EntitiesInT, Floats2d]:
    """Construct a classifier of entities that uses the state of `[CLS]` after it attends to the
    entity alone, and the mean of the encoder's output over the entity.

    The entity takes the place of the pair in Eq. 14 of Xue et al. 2019, arXiv 1908.07721. The mean
    is not in the paper.

    tok2vec (Model[list[Doc], list[TransformerData]]): A `FocusedListener`.
    hidden_width (int | None): The width of the hidden layer; if None, twice that of the encoder.
    RETURNS (Model[list[DocEntities], Floats2d]): The classifier, see `layers.classifier`.
    """
    return classifier(FocusedEntities(tok2vec), hidden_width=hidden_width)


def PooledAttributeClassifier(
    tok2vec: Model[list[Doc], list[Floats2d]], hidden_width: int | None = None
) -> Model[EntitiesInT, Floats2d]:
    """Construct a classifier of entities that uses the mean vector of their tokens.

    tok2vec (Model[list[Doc], list[Floats2d]]): Any spaCy tok2vec layer, with a vector for each
        token, such as `spacy.Tok2VecListener.v1`.
    hidden_width (int | None): The width of the hidden layer; if None, that of the token vectors.
    RETURNS (Model[list[DocEntities], Floats2d]): The classifier, see `layers.classifier`.
    """
    return classifier(PooledEntities(tok2vec), hidden_width=hidden_width)
