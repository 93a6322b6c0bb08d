"""Figures of the paper. Source: Xue et al. 2019, arXiv 1908.07721, tables II to VI."""

from typing import NamedTuple

from spacy_str_encoder.evaluation.outcomes import Task
from spacy_str_encoder.modules.masks import MaskName


class Figures(NamedTuple):
    """Precision, recall and F1, in percent."""

    p: float
    r: float
    f: float


# Tables II, III, IV and VI, on its test set.
TEST: dict[str, dict[Task, Figures]] = {
    "bilstm_crf": {"entities": Figures(94.46, 94.07, 94.26)},
    "rdcnn": {"entities": Figures(96.49, 94.90, 95.69)},
    "rcn": {"relations_gold_entities": Figures(90.77, 93.65, 92.19)},
    "cnn": {"relations_gold_entities": Figures(94.49, 95.24, 94.86)},
    "joint_bilstm": {
        "entities": Figures(93.84, 96.69, 95.24),
        "relations": Figures(93.64, 81.75, 87.29),
        "relations_gold_entities": Figures(92.92, 92.86, 92.88),
    },
    "str_encoder": {
        "entities": Figures(96.69, 97.09, 96.89),
        "relations": Figures(95.41, 82.54, 88.51),
        "relations_gold_entities": Figures(96.06, 96.83, 96.44),
    },
    "only_ner": {"entities": Figures(95.14, 97.64, 96.37)},
    "only_rc": {"relations_gold_entities": Figures(96.00, 95.24, 95.62)},
}
# Table V, on its dev set, by mask and K. The encoder has 12 layers.
DEV: dict[tuple[MaskName, int], dict[Task, Figures]] = {
    ("cls", 2): {
        "entities": Figures(95.07, 97.93, 96.48),
        "relations": Figures(97.08, 87.37, 91.97),
    },
    ("cls", 4): {
        "entities": Figures(94.98, 98.20, 96.56),
        "relations": Figures(97.06, 86.84, 91.67),
    },
    ("cls", 6): {
        "entities": Figures(95.39, 98.20, 96.77),
        "relations": Figures(98.20, 86.32, 91.88),
    },
    ("pair", 2): {
        "entities": Figures(94.67, 97.93, 96.27),
        "relations": Figures(95.95, 87.37, 91.46),
    },
    ("pair", 4): {
        "entities": Figures(94.77, 97.87, 96.29),
        "relations": Figures(98.21, 86.84, 92.18),
    },
    ("pair", 6): {
        "entities": Figures(94.47, 97.93, 96.17),
        "relations": Figures(96.51, 87.37, 91.71),
    },
}
