"""Evaluation of pipelines on a file."""

from collections import ChainMap
from collections.abc import Sequence
from itertools import chain, cycle
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..doc.entities import SPANS_KEY, find_gold_key, has_gold_entities
from ..doc.min_scores import NO_MINIMUM, MinScores
from ..doc.plurals import count_noun
from ..doc.relation import has_relations
from ..formats.entities import KEPT_APART, report_other_groups
from ..formats.registry import read_docs
from ..formats.report import ConversionReport
from ..loading import (
    default_values,
    entity_group,
    fingerprint,
    get_precision,
    load_pipeline,
    relation_setting,
)
from .notes import find_obstacle, write_notes
from .outcomes import ALL_TASKS, Outcomes
from .report import Report, make_report
from .runs import Track, find_outcomes, no_track


def evaluate_files(
    models: Sequence[str],
    data: Path,
    conversion: ConversionReport,
    *,
    min_scores: MinScores = NO_MINIMUM,
    precision: str | None = None,
    with_float32: bool = False,
    samples: int = 1000,
    seed: int = 0,
    track: Track = no_track,
) -> Report:
    """Score pipelines on a file.

    models (Sequence[str]): The folder or the package of a pipeline, and optionally of another one
        to compare it with. Labels that are symmetric in one are treated as symmetric in both,
        and so are default values of attributes.
    data (Path): The gold docs: a file or folder in any format.
    conversion (ConversionReport): Counts what is lost when the data are converted to docs.
    min_scores (MinScores): The minimum scores of predicted entities and relations.
    precision (str | None): The precision of predictions, see `load_pipeline`.
    with_float32 (bool): Whether to compare a single pipeline with itself in float32.
    samples (int): The number of bootstrap samples.
    seed (int): The random seed.
    track (Track): Shows the progress.
    RETURNS (Report): The scores.
    RAISES (ValueError): If a pipeline or the data can't be read, nothing can be scored, or a
        pipeline that is compared with itself in float32 is in float32.
    """
    pipelines = [load_pipeline(name, precision=precision) for name in models]
    if with_float32:
        pipelines.append(load_pipeline(models[0], precision="float32"))
        _require_difference(*map(get_precision, pipelines))
    settings = [relation_setting(nlp, "symmetric") or () for nlp in pipelines]
    symmetric = set(chain.from_iterable(settings))
    defaults = dict(ChainMap(*map(default_values, pipelines)))
    keys = [key for nlp in pipelines if (key := entity_group(nlp)) is not None]
    docs = read_gold_docs(data, pipelines[0], conversion, gold_key=next(iter(keys), None))
    gold_key = _choose_gold_key(docs, [*keys, SPANS_KEY])
    for number, doc in enumerate(docs, start=1):
        place = f"{data}, doc {number}"
        report_other_groups(doc.spans, find_gold_key(doc, gold_key), place, conversion)
    outcomes = []
    for name, nlp in zip(cycle(models), pipelines, strict=False):
        outcomes.append(
            find_outcomes(
                nlp,
                docs,
                symmetric=symmetric,
                defaults=defaults,
                gold_key=gold_key,
                min_scores=min_scores,
                track=track,
            )
        )
        _require_scores(name, outcomes[-1])
    report = make_report(*outcomes, samples=samples, seed=seed)
    return {**report, "pipeline": fingerprint(pipelines[0]), "lost": dict(conversion.losses)}


def _require_difference(precision: dict[str, str], float32: dict[str, str]) -> None:
    if precision == float32:
        raise ValueError(
            "There is nothing to compare: both sides are in float32. Choose --precision bfloat16 "
            "or int8. (`auto` is float32 on machines without units for bfloat16, and pipelines "
            "without a str_encoder have no other precision.)"
        )


def _choose_gold_key(docs: Sequence[Doc], keys: Sequence[str]) -> str:
    return next((key for key in keys if any(key in doc.spans for doc in docs)), keys[0])


def _require_scores(name: str, outcomes: Outcomes) -> None:
    if all(find_obstacle(outcomes, task) for task in ALL_TASKS):
        notes = " ".join(write_notes(outcomes))
        raise ValueError(f"{name}: nothing can be scored. {notes}")


def read_gold_docs(
    path: Path, nlp: Language, conversion: ConversionReport, *, gold_key: str | None = None
) -> list[Doc]:
    """Read gold docs.

    path (Path): A file in any format, or a folder of such files.
    nlp (Language): The pipeline. It tokenizes texts without tokens.
    conversion (ConversionReport): Counts what is lost when the data are converted to docs.
    gold_key (str | None): The span group for gold entities. If None, it is that of the pipeline, or
        else "sc".
    RETURNS (list[Doc]): The docs.
    RAISES (ValueError): If no doc is annotated.
    """
    gold_key = gold_key or entity_group(nlp) or SPANS_KEY
    docs = list(read_docs(path, nlp, conversion, spans_key=gold_key))
    for reason in KEPT_APART:
        conversion.lost.pop(reason, None)
    texts = [doc for doc in docs if len(doc)]
    if not texts:
        counted = count_noun(len(docs), "empty doc") if docs else "none"
        raise ValueError(f"{path}: there must be docs with a text, got {counted}")
    if not any(has_gold_entities(doc, gold_key) or has_relations(doc) for doc in texts):
        raise ValueError(
            f"{path}: there must be annotated entities or relations, got "
            f"{count_noun(len(texts), 'unannotated doc')}; if the texts have none, convert them "
            "with `convert --entities none`"
        )
    return docs
