"""Advice on data before training: rules that turn statistics into sentences."""

from ..collect import Statistics
from . import cases, labels, pairs, texts
from .wording import Rule

# Problems that spoil training or scores come first, possible improvements last.
RULES: tuple[Rule, ...] = (*texts.RULES, *cases.RULES, *labels.RULES, *pairs.RULES)


def give_advice(statistics: Statistics) -> list[str]:
    """Give advice on data before training.

    statistics (Statistics): Statistics of the data.
    RETURNS (list[str]): The advice: one to three sentences on each subject.
    """
    return [advice for rule in RULES for advice in rule(statistics)]
