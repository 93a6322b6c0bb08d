"""The page of a card, in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..evaluation.outcomes import ALL_TASKS, ATTRIBUTE_TASKS, TASKS
from .about import META_FIELDS, REQUIRED, SECTIONS, About, merge
from .facts import Facts
from .reports import ScoreReport

MISSING = "–"
STRICT = (
    "Strict scores: boundaries, types, labels and directions must all be correct. Each cell has "
    "micro F1 / macro F1 (the mean over gold labels), in percent."
)
# Of the tasks in tables.
MEANINGS = "NER is named entity recognition, RC the classification of relations between entities."
USE = """The pipeline needs the package `spacy_str_encoder`. In a clone of its repository, run
`pip install .`, or install its wheel. Then install the wheel of the pipeline:

```bash
pip install {package}-{version}-py3-none-any.whl
```

```python
import spacy

nlp = spacy.load("{package}")
doc = nlp("...")
print(doc.ents, doc._.relations)
```"""


UNSCORED = (
    "TODO: scores of {kinds}. Run `spacy-str-encoder evaluate --output scores.json`, and give "
    "`--scores scores.json`"
)


def list_missing(facts: Facts, about: About) -> list[str]:
    """List the fields that the page has a TODO for.

    facts (Facts): The facts about the pipeline.
    about (dict[str, str]): The fields of the authors.
    RETURNS (list[str]): The names of the fields.
    """
    given = merge(facts.meta, about)
    return [name for name in REQUIRED if name not in given]


def list_unscored(facts: Facts, reports: Mapping[str, ScoreReport]) -> list[str]:
    """List what a pipeline predicts and the page has no scores of.

    facts (Facts): The facts about the pipeline.
    reports (Mapping[str, ScoreReport]): Reports of `evaluate` by name.
    RETURNS (list[str]): The kinds of annotations. With a report, there are none.
    """
    scored = {kind for kind, *_ in _training_rows(facts)}
    return [] if reports else [kind for kind in facts.predicts if kind not in scored]


def write_page(facts: Facts, about: About, reports: Mapping[str, ScoreReport]) -> str:
    """Write the page. It has no front matter: `spacy huggingface-hub push` puts its own before it.

    facts (Facts): The facts about the pipeline.
    about (dict[str, str]): The fields of the authors.
    reports (Mapping[str, ScoreReport]): Reports of `evaluate` by name.
    RETURNS (str): The Markdown.
    """
    fields = merge(facts.meta, about)
    # As `spacy package` calls it.
    package = f"{facts.meta['lang']}_{fields['name']}"
    blocks = [f"# {package}", _field(fields, "description"), _join(_summary(facts, fields))]
    for name, (heading, _) in SECTIONS.items():
        blocks += [f"## {heading}", _field(fields, name)]
    blocks += ["## Labels", _join(_labels(facts))]
    blocks += ["## Components", _join(_components(facts))]
    blocks += ["## Scores", *_scores(facts, reports)]
    blocks += ["## Use", USE.format(package=package, version=fields["version"])]
    return "\n\n".join(blocks) + "\n"


def is_page(text: str) -> bool:
    """Tell a page from other texts.

    text (str): The text.
    RETURNS (bool): Whether it has the headings of a page.
    """
    headings = (*(heading for heading, _ in SECTIONS.values()), "Labels", "Components", "Scores")
    return {f"## {heading}" for heading in headings} <= {*text.splitlines()}


def _field(fields: About, name: str) -> str:
    hint = META_FIELDS.get(name) or SECTIONS[name][1]
    return fields.get(name, f"TODO: {hint}")


def _summary(facts: Facts, fields: About) -> Iterator[str]:
    meta = facts.meta
    rows = {
        "Version": fields["version"],
        "Language": str(meta["lang"]),
        "License": _field(fields, "license"),
        "Author": _field(fields, "author"),
        "Contact": ", ".join(fields[name] for name in ("email", "url") if name in fields),
        "spaCy": f"`{meta['spacy_version']}`",
        "Size": f"{sum(facts.parameters.values()):,} parameters, {facts.size / 1e6:,.1f} MB",
        "Encoder": "; ".join(facts.encoders),
    }
    yield from _header("", "")
    yield from (_row(name, value) for name, value in rows.items() if value)


def _labels(facts: Facts) -> Iterator[str]:
    yield from _header("kind", "labels")
    for kind, labels in facts.labels.items():
        place = f' (`doc.spans["{facts.spans_key}"]`)' if facts.spans_key else ""
        where = place if kind == "entities" else ""
        yield _row(f"{kind}{where}", ", ".join(f"`{label}`" for label in labels) or MISSING)


def _components(facts: Facts) -> Iterator[str]:
    yield from _header("component", "parameters", "calibration")
    for name, number in facts.parameters.items():
        calibration = ", ".join(facts.calibration[name])
        yield _row(f"`{name}`", f"{number:,}" if number else MISSING, calibration or MISSING)


def _scores(facts: Facts, reports: Mapping[str, ScoreReport]) -> Iterator[str]:
    totals, by_label = [*_training_rows(facts)], [*_label_rows(facts)]
    if reports or totals:
        yield MEANINGS
    if reports:
        yield STRICT
        yield _join(_report_rows(reports))
    if totals:
        yield "On the dev set, in training (strict, micro, in percent):"
        yield _join([*_header("", "P", "R", "F1"), *(_row(*cells) for _, *cells in totals)])
    if by_label:
        yield "By label, on the dev set (strict, in percent):"
        yield _join([*_header("", "label", "P", "R", "F1"), *by_label])
    if unscored := list_unscored(facts, reports):
        yield UNSCORED.format(kinds=", ".join(unscored))


def _report_rows(reports: Mapping[str, ScoreReport]) -> Iterator[str]:
    tasks = [task for task in ALL_TASKS if any(each.scores[task] for each in reports.values())]
    yield from _header("texts", "number", *(ALL_TASKS[task] for task in tasks))
    for name, report in reports.items():
        conditions = f" ({', '.join(report.conditions)})" if report.conditions else ""
        cells = (_f_of(report.scores[task]) for task in tasks)
        yield _row(f"{name}{conditions}", f"{report.docs:,}", *cells)


def _f_of(task: Any) -> str:
    if task is None:
        return MISSING
    return f"{_percent(task['strict']['micro']['f'])} / {_percent(task['strict']['macro_f'])}"


def _training_scores(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """YIELDS (tuple[str, str, str]): The kind of annotations, the prefix of its scores that spaCy
    keeps in meta.json, and what they are. A component that set others may have been left out.
    """
    key = facts.spans_key
    names = [
        ("entities", "ents", TASKS["entities"]),
        ("entities", f"spans_{key}", f"{TASKS['entities']}, span group {key}"),
        ("relations", "rels", TASKS["relations"]),
        ("attributes", "attrs", ATTRIBUTE_TASKS["attributes"]),
    ]
    return (each for each in names if each[0] in facts.predicts)


def _training_rows(facts: Facts) -> Iterator[tuple[str, ...]]:
    performance = facts.meta.get("performance") or {}
    for kind, prefix, name in _training_scores(facts):
        scores = [performance.get(f"{prefix}_{figure}") for figure in "prf"]
        if all(score is not None for score in scores):
            yield kind, name, *map(_percent, scores)


def _label_rows(facts: Facts) -> Iterator[str]:
    performance = facts.meta.get("performance") or {}
    for _, prefix, name in _training_scores(facts):
        for label, scores in sorted((performance.get(f"{prefix}_per_type") or {}).items()):
            yield _row(name, f"`{label}`", *(_percent(scores[figure]) for figure in "prf"))


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{100 * share:.1f}"


def _join(rows: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(rows)


def _header(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*["---"] * len(names))


def _row(*cells: str) -> str:
    # A line break or a bar would end the cell.
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"
