"""Model architectures that configs can refer to with `@architectures`."""

from .encoders import FocusedEncoder, FocusedListener, STREncoder, Tok2VecEncoder
from .heads import (
    AttributeClassifier,
    CRFTagger,
    PooledAttributeClassifier,
    PooledRelationClassifier,
    RelationClassifier,
)
from .poolings import PairCapsules, PairCNN, PairMaxima
from .token_encoders import BiLSTM, ResidualDilatedCNN

__all__ = [
    "AttributeClassifier",
    "BiLSTM",
    "CRFTagger",
    "FocusedEncoder",
    "FocusedListener",
    "PairCNN",
    "PairCapsules",
    "PairMaxima",
    "PooledAttributeClassifier",
    "PooledRelationClassifier",
    "RelationClassifier",
    "ResidualDilatedCNN",
    "STREncoder",
    "Tok2VecEncoder",
]
