"""Write unannotated sentences like those of the demo corpus, to pretrain an encoder."""

import json
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from .generate_coronary import Corpus, Record, masked

SPLITS = ("train", "dev", "test_seen", "test_unseen")


def main(
    assets: Annotated[Path, typer.Argument(help="Folder with the demo corpus as JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Text file to write.")],
    size: Annotated[int, typer.Option(min=1, help="Number of sentences.")] = 4000,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 7,
) -> None:
    """Write one sentence per line. None is in the corpus, not even with other digits."""
    splits = {name: json.loads((assets / f"{name}.json").read_text("utf-8")) for name in SPLITS}
    sentences = write_sentences(splits, size=size, seed=seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")


def write_sentences(splits: dict[str, list[Record]], *, size: int, seed: int) -> list[str]:
    """Write sentences. Every other one is like the unseen sentences of the test split: as in real
    unannotated reports, it contains words or sentence patterns that the training split lacks.

    splits (dict[str, list[Record]]): The corpus.
    size (int): The number of sentences.
    seed (int): The random seed.
    RETURNS (list[str]): The sentences.
    """
    words = {masked(word) for record in splits["train"] for *_, word, _ in record["entities"]}
    corpus = Corpus(Random(seed))
    corpus.texts = {masked(record["text"]) for split in splits.values() for record in split}
    sentences = []
    for position in range(size):
        sentence = corpus.candidate(corpus.wish(position, True), words)["text"]
        corpus.texts.add(masked(sentence))
        sentences.append(sentence)
    return sentences


if __name__ == "__main__":
    typer.run(main)
