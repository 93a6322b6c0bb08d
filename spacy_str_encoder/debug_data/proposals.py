"""Proposals: constraints that gold relations never break, as lines of a config."""

from collections.abc import Iterator
from dataclasses import fields
from json import dumps
from typing import NamedTuple

from ..pairs.constraints import (
    Acyclic,
    InverseOf,
    LabelConstraint,
    MaxPerEntity,
    MaxPerHead,
    MaxPerTail,
    NoSelf,
)
from .collect import Statistics
from .evidence import Evidence

# Relations that never break a constraint in so many cases, of which in so many they could, break it
# in under 6 % of these (95 % confidence).
FEWEST_CASES, FEWEST_OPEN = 100, 50
# The name of each constraint in a config, and its meaning.
NAMES: dict[type[LabelConstraint], tuple[str, str]] = {
    MaxPerHead: ("max_per_head", "each head has one tail"),
    MaxPerTail: ("max_per_tail", "each tail has one head"),
    MaxPerEntity: ("max_per_entity", "each entity has one"),
    InverseOf: ("inverse_of", "never has head and tail of {inverse}"),
    Acyclic: ("acyclic", "never leads back"),
    NoSelf: ("no_self", "never in one place"),
}


class Proposal(NamedTuple):
    """Constraint that gold relations never break.

    constraint (LabelConstraint): The constraint.
    evidence (Evidence): The evidence in the training data.
    """

    constraint: LabelConstraint
    evidence: Evidence

    @property
    def function(self) -> str:
        """RETURNS (str): The name of the function in a config, without prefix and version."""
        return NAMES[type(self.constraint)][0]

    @property
    def settings(self) -> dict[str, str | int]:
        """RETURNS (dict[str, str | int]): The settings of the function."""
        return {each.name: getattr(self.constraint, each.name) for each in fields(self.constraint)}

    @property
    def words(self) -> str:
        """RETURNS (str): The meaning of the constraint, without its label."""
        return NAMES[type(self.constraint)][1].format(**self.settings)


def propose_constraints(statistics: Statistics) -> list[Proposal]:
    """Propose constraints that no relation of any split breaks, if the training data has enough
    cases where one could, and if the pipeline does not have them yet.

    statistics (Statistics): The statistics.
    RETURNS (list[Proposal]): The proposals, by label.
    """
    declared = [*statistics.settings.task.constraints.values()]
    proposals = [
        Proposal(constraint, evidence)
        for constraint, evidence in statistics.train.evidence.items()
        if constraint not in declared and _is_convincing(statistics, constraint)
    ]
    return sorted(proposals, key=lambda each: (each.constraint.label, each.function))


def _is_convincing(statistics: Statistics, constraint: LabelConstraint) -> bool:
    evidence = statistics.train.evidence[constraint]
    if isinstance(constraint, InverseOf) and statistics.settings.task.exclusive:
        return False
    splits = statistics.splits.values()
    broken = sum(split.evidence.get(constraint, Evidence()).broken for split in splits)
    return not broken and evidence.cases >= FEWEST_CASES and evidence.open >= FEWEST_OPEN


def list_config_lines(statistics: Statistics) -> Iterator[str]:
    """List the lines of a config that declare what is proposed.

    statistics (Statistics): The statistics.
    YIELDS (str): Each line.
    """
    declared = statistics.settings.task.constraints
    proposals = propose_constraints(statistics)
    if proposals and not declared:
        yield from ("[components.str_rel.constraints]", "")
    for number, proposal in enumerate(proposals, start=len(declared) + 1):
        yield f"[components.str_rel.constraints.{proposal.function}_{number}]"
        yield f'@misc = "spacy-str-encoder.{proposal.function}.v1"'
        for name, value in proposal.settings.items():
            yield f"{name} = {dumps(value, ensure_ascii=False)}"
        yield ""
