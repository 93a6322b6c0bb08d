"""Rounds of annotation: in each, a pipeline is trained on all texts that were chosen so far."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

import numpy
import srsly
import torch
from spacy.tokens import Doc, DocBin
from thinc.api import Config

from spacy_str_encoder.archive import Fields, find_sources
from spacy_str_encoder.files.whole import write_json, write_json_lines, written_whole
from spacy_str_encoder.learning.selection import Candidates, select
from spacy_str_encoder.loading import load_pipeline

from ..tables.commit import find_commit
from ..tables.results import Kept, find_result, keep_result
from ..tables.train import MODEL
from ..tables.trials import Trial, make_fingerprint
from ..tables.workers import run_apart

SELECTED, RANDOM = "selected", "random"
WAYS = (SELECTED, RANDOM)
# The choice of `select` for the next round, beside the result of a round.
NEXT = "next.json"


@dataclass(frozen=True)
class Plan:
    """A simulation with one seed.

    base (Trial): A trial of the config, without training data.
    docs (Sequence[Doc]): The gold docs to choose from.
    folder (Path): The folder for trials.
    start (int): The number of texts of the first round, which are drawn at random.
    step (int): The number of texts that each further round adds.
    rounds (int): The number of rounds after the first.
    """

    base: Trial
    docs: Sequence[Doc]
    folder: Path
    start: int
    step: int
    rounds: int

    @property
    def order(self) -> list[int]:
        """RETURNS (list[int]): The order in which docs are drawn at random."""
        return numpy.random.default_rng(self.base.seed).permutation(len(self.docs)).tolist()


@dataclass(frozen=True)
class Round:
    """A round of a simulation.

    trial (Trial): Its trial.
    way (str): The way in which texts are chosen, one of `WAYS`.
    number (int): Its number, from 0. The first one is the same for all ways.
    chosen (list[int]): The docs that the pipeline is trained on.
    is_last (bool): Whether no round follows.
    """

    trial: Trial
    way: str
    number: int
    chosen: list[int]
    is_last: bool


def make_round(plan: Plan, way: str, number: int, chosen: list[int]) -> Round:
    """Plan a round.

    plan (Plan): The simulation.
    way (str): The way in which texts are chosen.
    number (int): The number of the round.
    chosen (list[int]): The docs to train on.
    RETURNS (Round): The round.
    """
    system = f"{way}-{number}" if number else "start"
    name = f"{system}-seed{plan.base.seed}"
    train = {"paths": {"train": str(plan.folder / "texts" / f"{name}.spacy")}}
    config = Config().from_str(plan.base.config, interpolate=False).merge(train)
    trial = replace(
        plan.base,
        name=name,
        system=system,
        config=config.to_str(interpolate=False),
        fingerprint=make_fingerprint(plan.base.fingerprint, json.dumps(chosen)),
    )
    return Round(trial, way, number, chosen, is_last=number == plan.rounds)


def simulate(plan: Plan) -> Iterator[tuple[Round, Kept]]:
    """Train the rounds that have no result yet.

    plan (Plan): The simulation.
    YIELDS (tuple[Round, Kept]): Each round with its result.
    RAISES (ValueError): If a training fails.
    """
    for way in WAYS:
        chosen = plan.order[: plan.start]
        for number in range(plan.rounds + 1):
            now = make_round(plan, way, number, chosen)
            yield now, _complete(plan, now)
            if not now.is_last:
                chosen = _choose_next(plan, now)


def _complete(plan: Plan, now: Round) -> Kept:
    folder = plan.folder / now.trial.name
    kept, _ = find_result(now.trial, folder)
    if kept is not None and not _lacks_choice(plan, now):
        return kept
    path = plan.folder / "texts" / f"{now.trial.name}.spacy"
    path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=[plan.docs[i] for i in now.chosen], store_user_data=True).to_disk(path)
    outcome = run_apart(now.trial, folder, keep_model=True)
    if outcome.result is None:
        raise ValueError(f"the training of {now.trial.name} failed; see {folder / 'log.txt'}")
    # A round has a result once the next one can be trained without its pipeline.
    if _lacks_choice(plan, now):
        with written_whole(folder / NEXT) as unfinished:
            write_json(unfinished, _select(plan, now))
    commit = find_commit()
    keep_result(outcome.result, now.trial, folder, commit=commit)
    rmtree(folder / MODEL, ignore_errors=True)
    return {**outcome.result, "fingerprint": now.trial.fingerprint, "commit": commit}


def _lacks_choice(plan: Plan, now: Round) -> bool:
    needs_choice = now.way == SELECTED and not now.is_last
    return needs_choice and not (plan.folder / now.trial.name / NEXT).exists()


def _choose_next(plan: Plan, done: Round) -> list[int]:
    if done.way == RANDOM:
        return plan.order[: len(done.chosen) + plan.step]
    return [*done.chosen, *srsly.read_json(plan.folder / done.trial.name / NEXT)]


def _select(plan: Plan, done: Round) -> list[int]:
    """RETURNS (list[int]): The docs that `select` chooses from those that are left."""
    torch.set_num_threads(1)
    folder, known = plan.folder / done.trial.name, {*done.chosen}
    left = ({"id": i, "text": doc.text} for i, doc in enumerate(plan.docs) if i not in known)
    write_json_lines(folder / "left.jsonl", left)
    sources, _ = find_sources([str(folder / "left.jsonl")], output=folder / MODEL)
    nlp = load_pipeline(str(folder / MODEL / "model-best"))
    found = select(nlp, sources, Candidates(Fields()), plan.step)
    return [each.entry.id for each in found.texts]
