"""What to do before training, in plain words: rules from statistics to sentences."""

from ..collect import Statistics
from . import cases, labels, pairs, texts
from .wording import Rule

# First what spoils training or scores, last what may be better.
RULES: tuple[Rule, ...] = (*texts.RULES, *cases.RULES, *labels.RULES, *pairs.RULES)


def give_advice(statistics: Statistics) -> list[str]:
    """Say what to do about data before training.

    statistics (Statistics): What the data have.
    RETURNS (list[str]): A sentence or a few on each matter.
    """
    return [advice for rule in RULES for advice in rule(statistics)]
