"""Write unannotated sentences like those of the demo corpus, to pretrain an encoder."""

from pathlib import Path
from random import Random
from typing import Annotated

import typer

from .coronary.corpus import Corpus, read_split
from .coronary.sentence import Sentence, mask_digits, mask_entities

SPLITS = ("train", "dev", "test_seen", "test_unseen")


def main(
    assets: Annotated[Path, typer.Argument(help="Folder with the demo corpus as JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Text file to write.")],
    size: Annotated[int, typer.Option(min=1, help="Number of sentences.")] = 4000,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 7,
) -> None:
    """Write one sentence per line. None is in the corpus, not even with other digits."""
    splits = {name: read_split(assets / f"{name}.json") for name in SPLITS}
    sentences = write_sentences(splits, size=size, seed=seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")


def write_sentences(splits: dict[str, list[Sentence]], *, size: int, seed: int) -> list[str]:
    """Write sentences. Every other one is like the unseen sentences of the test split: as in real
    unannotated reports, it contains words or sentence patterns that the training split lacks.

    splits (dict[str, list[Sentence]]): The corpus.
    size (int): The number of sentences.
    seed (int): The random seed.
    RETURNS (list[str]): Their texts.
    """
    words = mask_entities(splits["train"])
    corpus = Corpus(Random(seed))
    corpus.texts = {mask_digits(each.text) for split in splits.values() for each in split}
    texts = []
    for position in range(size):
        requirements = corpus.make_requirements(position, held_out=True)
        texts.append(corpus.write_candidate(requirements, words).text)
        corpus.texts.add(mask_digits(texts[-1]))
    return texts


if __name__ == "__main__":
    typer.run(main)
