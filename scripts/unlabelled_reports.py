"""Write sentences like those of the demo corpus without annotations, to pretrain an encoder on."""

import json
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from .generate_coronary import Corpus, Record, masked

SPLITS = ("train", "dev", "test_seen", "test_unseen")


def main(
    assets: Annotated[Path, typer.Argument(help="The folder with the demo corpus as JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The text file to write.")],
    size: Annotated[int, typer.Option(min=1, help="The number of sentences.")] = 4000,
    seed: Annotated[int, typer.Option(help="The seed of every choice.")] = 7,
) -> None:
    """Write a sentence a line; with digits masked, none is in the corpus."""
    splits = {name: json.loads((assets / f"{name}.json").read_text("utf-8")) for name in SPLITS}
    sentences = write_sentences(splits, size=size, seed=seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")


def write_sentences(splits: dict[str, list[Record]], *, size: int, seed: int) -> list[str]:
    """Write sentences of which every other one is like the unseen ones of the test split: it has
    words or sentence shapes that the training split lacks, as reports that nobody annotated do.

    splits (dict[str, list[Record]]): The corpus.
    size (int): The number of sentences.
    seed (int): The seed of every choice.
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
