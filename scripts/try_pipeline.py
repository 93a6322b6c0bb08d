"""Make, train, save, load and use a tiny pipeline: does the library work where it is installed?

`make pythons` runs this for each Python, isolated from the project's folder.
"""

import json
import platform
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_str_encoder import Annotations, Relation, to_annotations
from spacy_str_encoder.init_encoder import init_encoder

Entity = tuple[int, int, str]
# A text, the head and the tail by their characters, and the label of the relation.
Annotation = tuple[str, Entity, Entity, str]
# Entities, and relations as the head's index, the label and the tail's index.
Summary = tuple[list[Entity], list[tuple[int, str, int]]]
ANNOTATIONS: list[Annotation] = [
    ("Ada works at Acme.", (0, 3, "PER"), (13, 17, "ORG"), "works_for"),
    ("Bo lives in Rome.", (0, 2, "PER"), (12, 16, "LOC"), "lives_in"),
]
TEXTS = [text for text, *_ in ANNOTATIONS]
UPDATES = 20


def main() -> None:
    """Take each step, and stop with an error at the first that goes wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder / "encoder").to_disk(folder / "pipeline")
        nlp = spacy.load(folder / "pipeline")
        check_found("one process", [to_annotations(doc) for doc in nlp.pipe(TEXTS)])
        docs = nlp.pipe(TEXTS * 2, n_process=2, batch_size=1)
        check_found("two processes", [to_annotations(doc) for doc in docs])
        check_found("spacy-str-encoder annotate", annotate(folder))
    print(f"The pipeline works with Python {platform.python_version()}.")


def train(encoder: Path) -> Language:
    """Train a pipeline until it knows its texts by heart.

    encoder (Path): The folder for its encoder.
    RETURNS (Language): The pipeline.
    """
    nlp = build(encoder)
    fix_random_seed(0)
    examples = [make_example(nlp, annotation) for annotation in ANNOTATIONS]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 1e-2
    for _ in range(UPDATES):
        nlp.update(examples, sgd=optimizer)
    return nlp


def build(encoder: Path) -> Language:
    """Make an encoder, and a pipeline that is not initialized.

    encoder (Path): The folder for the encoder.
    RETURNS (Language): The pipeline.
    """
    init_encoder(TEXTS, encoder, layers=2, width=32, heads=4, max_length=64, dropout=0.0)
    nlp = spacy.blank("en")
    nlp.add_pipe("str_encoder", config={"model": {"name": str(encoder), "focus_layers": 1}})
    nlp.add_pipe("str_ner")
    nlp.add_pipe("str_rel")
    return nlp


def make_example(nlp: Language, annotation: Annotation) -> Example:
    """Make an example with gold entities and a gold relation.

    nlp (Language): The pipeline.
    annotation (Annotation): A text with what it says.
    RETURNS (Example): The example.
    """
    text, head, tail, label = annotation
    reference = nlp.make_doc(text)
    spans: list[Any] = [reference.char_span(*entity) for entity in (head, tail)]
    reference.set_ents(spans)
    reference._.relations = [Relation(spans[0], spans[1], label)]
    return Example(nlp.make_doc(text), reference)


def annotate(folder: Path) -> list[Annotations]:
    """Annotate a file with the command, as it is installed.

    folder (Path): The folder of the pipeline.
    RETURNS (list[Annotations]): What was written, an object a text.
    """
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    command = str(Path(sysconfig.get_path("scripts")) / "spacy-str-encoder")
    inputs = [str(folder / "pipeline"), str(folder / "texts.txt")]
    subprocess.run([command, "annotate", *inputs, "-o", str(folder / "annotated")], check=True)
    [path] = (folder / "annotated").glob("part-*.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def check_found(name: str, found: list[Annotations]) -> None:
    """Check that the entities and relations of each text are those that were learned.

    name (str): The way they were found, for the error.
    found (list[Annotations]): Annotated texts, in the order of ANNOTATIONS, once or repeated.
    RAISES (SystemExit): If one differs.
    """
    repeats = max(1, len(found) // len(ANNOTATIONS))
    expected = [summarize_gold(annotation) for annotation in ANNOTATIONS] * repeats
    summaries = [summarize(each) for each in found]
    if summaries != expected:
        raise SystemExit(f"{name}: expected {expected}, found {summaries}")


def summarize_gold(annotation: Annotation) -> Summary:
    """Return the gold entities of a text, and its relation by their indices.

    annotation (Annotation): A text with what it says.
    RETURNS (Summary): The entities and relations.
    """
    _, head, tail, label = annotation
    return [head, tail], [(0, label, 1)]


def summarize(found: Annotations) -> Summary:
    """Return the entities and relations that were found in a text, without their scores.

    found (Annotations): An annotated text.
    RETURNS (Summary): The entities and relations.
    """
    entities = [(each["start"], each["end"], each["label"]) for each in found["entities"]]
    relations = [(each["head"], each["label"], each["tail"]) for each in found["relations"]]
    return entities, relations


if __name__ == "__main__":
    main()
