"""Scores of a pipeline.

Docs become examples, examples become outcomes (plain keys of gold and predicted entities and
relations), and outcomes become counts, scores and a report. Nothing after the outcomes depends on
spaCy.
"""

from .files import evaluate_files
from .outcomes import TASKS, Outcomes, collect_outcomes
from .report import Report, make_report
from .runs import evaluate, find_outcomes
from .tables import lay_out

__all__ = [
    "TASKS",
    "Outcomes",
    "Report",
    "collect_outcomes",
    "evaluate",
    "evaluate_files",
    "find_outcomes",
    "lay_out",
    "make_report",
]
