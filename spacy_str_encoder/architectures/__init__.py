"""Model architectures that configs can refer to with `@architectures`."""

from .encoders import FocusedEncoder, FocusedListener, STREncoder, Tok2VecEncoder
from .heads import CRFTagger, PooledRelationClassifier, RelationClassifier
from .poolings import PairCapsules, PairCNN, PairMaxima
from .token_encoders import BiLSTM, ResidualDilatedCNN

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
