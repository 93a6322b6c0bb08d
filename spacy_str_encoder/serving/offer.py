"""Version and labels of a pipeline, for the projects of Label Studio."""

import logging
from dataclasses import dataclass
from multiprocessing import current_process

from spacy.language import Language

from ..formats.label_studio.labeling_config import Labels, make_labeling_config
from ..loading import fingerprint, read_labels

# The only process of the service, or the first of its workers.
FIRST = ("MainProcess", "SpawnProcess-1")
logger = logging.getLogger("uvicorn.error")


@dataclass(frozen=True)
class Offer:
    """Version and labels of a pipeline.

    version (str): Its name, its version, and a hash of its files.
    labeling_config (str): The labeling config that fits it.
    """

    version: str
    labeling_config: str


def make_offer(nlp: Language) -> Offer:
    """Describe a pipeline, and log the labeling config.

    nlp (Language): The pipeline.
    RETURNS (Offer): Its version and labels.
    """
    config = make_labeling_config(Labels(*read_labels(nlp)))
    if current_process().name in FIRST:
        logger.info("Labeling config for Label Studio:\n%s", config)
    return Offer(fingerprint(nlp), config)
