"""The pipeline that services run in benchmarks, and its texts."""

from pathlib import Path

from spacy.language import Language

from workload import LONGEST, MINILM, KnownEntities, make_encoder, make_pipeline, make_texts

# The variable with the folder of the pipeline.
PIPELINE = "PIPELINE"
TEXTS = 500
FACTORY = "served_entities"


@Language.factory(FACTORY)
def make_served_entities(nlp: Language, name: str) -> KnownEntities:
    """Construct a component that knows the entities of the texts."""
    component = KnownEntities()
    component.remember(make_texts(TEXTS))
    return component


def save_pipeline(folder: Path) -> Path:
    """Save a pipeline of MiniLM's size.

    folder (Path): The folder for the encoder and the pipeline.
    RETURNS (Path): The folder of the pipeline.
    """
    encoder = make_encoder(MINILM, folder)
    nlp = make_pipeline(encoder, focus_layers=2, mask="pair", window=LONGEST)
    nlp.replace_pipe("known_entities", FACTORY)
    nlp.to_disk(folder / "served")
    return folder / "served"
