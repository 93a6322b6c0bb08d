"""How good a pipeline is.

Docs become examples, examples become outcomes (plain keys of what is there and what was found), and
outcomes become counts, scores and a report. After the outcomes nothing knows spaCy.
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
