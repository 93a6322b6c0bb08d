"""The pipeline of a worker process. All of its methods run in the same thread."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from spacy.language import Language

from ..archive.annotate import annotate_entries
from ..doc.plain_data import to_annotations
from ..files.entries import Entry, Rejection
from ..loading import entity_group, load_pipeline, require_gpu
from .memory import release_free_memory
from .offer import Offer, make_offer
from .settings import Settings

# The annotations of a text, or an error.
Answer = dict[str, Any]
WARM_UP = "Warm-up 预热"
# Batches between two releases of memory, which take about one percent of their time.
RELEASE_EVERY = 50


class Predictor:
    """Loads a pipeline and annotates batches of texts."""

    nlp: Language
    offer: Offer | None = None

    def __init__(self, settings: Settings) -> None:
        """Construct the predictor. The pipeline is loaded later.

        settings (Settings): The settings.
        """
        self.settings = settings
        self._batches = 0

    def load(self) -> None:
        """Load the pipeline, and annotate a first text, which takes longer than others.

        RAISES (ValueError): If the pipeline can't be loaded, or the GPU can't be used.
        """
        settings = self.settings
        # Both count for the thread that calls them. OMP_NUM_THREADS may ask for fewer threads.
        torch.set_num_threads(min(settings.threads, torch.get_num_threads()))
        require_gpu(settings.gpu_id)
        self.nlp = load_pipeline(settings.model, code=settings.code, precision=settings.precision)
        self([WARM_UP])
        if settings.label_studio:
            self.offer = make_offer(self.nlp)

    def __call__(self, texts: Sequence[str]) -> list[Answer]:
        """Annotate a batch of texts. One that makes the pipeline fail does not affect the others.

        texts (Sequence[str]): The texts.
        RETURNS (list[Answer]): What `to_annotations` returns of each, or an object with `error`.
        """
        self._batches += 1
        if self._batches % RELEASE_EVERY == 0:
            release_free_memory()
        rejections: list[Rejection] = []
        entries = [Entry(number, text) for number, text in enumerate(texts)]
        spans_key = entity_group(self.nlp)
        # The zone frees the strings of the texts: no doc may leave it. Warnings are about texts, so
        # they have no place in logs.
        with self.nlp.memory_zone(), warnings.catch_warnings(action="ignore"):
            docs = annotate_entries(
                self.nlp, entries, batch_size=len(entries), reject=rejections.append
            )
            answers: dict[int, Answer] = {
                entry.number: {**to_annotations(doc, spans_key=spans_key)} for entry, doc in docs
            }
        for each in rejections:
            answers[each.number] = {"error": f"On this text, {each.reason}."}
        return [answers[number] for number in range(len(texts))]
