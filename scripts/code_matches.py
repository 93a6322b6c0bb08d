"""Measures `str_codes`: how many variants of terms get the right code, and how fast.

`python -m scripts.code_matches accuracy` reads `assets/codes`; `--encoder NAME` adds vectors.
`python -m scripts.code_matches speed` draws a terminology of a million terms.
"""

import csv
import random
import resource
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Annotated, NamedTuple

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_str_encoder.files.whole import measure

CODES = Path(__file__).parents[1] / "assets" / "codes"
KINDS = ("form", "traditional", "typo", "order", "wording")
# A score of 1.0 is an exact match.
THRESHOLDS = (1.0, 0.9, 0.85, 0.8, 0.75, 0.7)
# A part of the codes is left out, to see what their variants get instead.
PARTS = 5
QUERIES = 2000
PER_DOC = 20
FIRST_CHARACTER = 0x4E00
SYLLABLES = [f"{a}{b}{c}" for a in "bcdfglmnprst" for b in "aeiou" for c in ("", "n", "r", "s")]
app = typer.Typer(add_completion=False)
Row = tuple[str, str, str]


class Variant(NamedTuple):
    """Other spelling or wording of a term, and its code."""

    code: str
    kind: str
    text: str


def read_rows(name: str) -> list[Row]:
    """Read a table of three columns."""
    with (CODES / name).open(encoding="utf-8", newline="") as file:
        return [(a, b, c) for a, b, c in [*csv.reader(file)][1:]]


def make_nlp(rows: Iterable[Row], *, encoder: str | None = None, threshold: float) -> Language:
    """Make a pipeline that finds the codes of a terminology."""
    nlp = spacy.blank("zh")
    if encoder is not None:
        spans = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 96, "stride": 72}
        model = {"name": encoder, "focus_layers": 1, "get_spans": spans}
        nlp.add_pipe("str_encoder", config={"model": model})
    nlp.add_pipe("str_codes", config={"vectors": encoder is not None, "threshold": threshold})
    with TemporaryDirectory() as folder:
        path = write_rows(Path(folder) / "terms.csv", rows)
        nlp.config["initialize"]["components"]["str_codes"] = {"path": str(path)}
        nlp.initialize()
    return nlp


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write a terminology."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("code", "system", "term"), *rows])
    return path


def find_codes(nlp: Language, variants: Iterable[Variant]) -> Iterator[str]:
    """YIELDS (str): The code of each variant, as an entity that is a text of its own."""
    for variant in variants:
        doc = nlp.make_doc(variant.text)
        doc.set_ents([Span(doc, 0, len(doc), "Term")])
        yield nlp(doc).ents[0].kb_id_


@app.command()
def accuracy(encoder: Annotated[str | None, typer.Option()] = None) -> None:
    """Print how many variants get their code, another one, or any if their own is not there."""
    rows, variants = read_rows("coronary.csv"), [Variant(*row) for row in read_rows("variants.csv")]
    codes = [*dict.fromkeys(code for code, _, _ in rows)]
    print("| threshold |", " | ".join(KINDS), "| correct | wrong | without their code |")
    for threshold in THRESHOLDS:
        options = {"encoder": encoder, "threshold": threshold}
        found = [*find_codes(make_nlp(rows, **options), variants)]  # type: ignore[arg-type]
        correct = [v.kind for v, code in zip(variants, found, strict=True) if code == v.code]
        wrong = sum(code not in ("", v.code) for v, code in zip(variants, found, strict=True))
        absent = 0
        for part in range(PARTS):
            out = {*codes[part::PARTS]}
            nlp = make_nlp((row for row in rows if row[0] not in out), **options)  # type: ignore[arg-type]
            absent += sum(map(bool, find_codes(nlp, (v for v in variants if v.code in out))))
        counts = [*map(correct.count, KINDS), len(correct), wrong, absent]
        print(f"| {threshold} |", " | ".join(map(str, counts)), "|", flush=True)


def draw_rows(count: int) -> list[Row]:
    """Draw terms of two to fourteen Chinese characters, or of one to six words."""
    rng = random.Random(0)
    characters = [chr(FIRST_CHARACTER + i) for i in range(3000)]
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(20000)]
    # Some are much more frequent than others.
    weights = [*accumulate(1 / (rank + 20) for rank in range(len(words)))]
    few = weights[: len(characters)]
    rows = []
    for number in range(count):
        if number % 2:
            term = "".join(rng.choices(characters, cum_weights=few, k=rng.randint(2, 14)))
        else:
            term = " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(1, 6)))
        rows.append((f"C{number // 2}", "drawn", term))
    return rows


def misspell(term: str) -> str:
    """Replace the character in the middle."""
    middle = len(term) // 2
    return term[:middle] + ("x" if term.isascii() else "鑫") + term[middle + 1 :]


def time_codes(finder: Callable[[Doc], Doc], terms: list[str]) -> tuple[float, float]:
    """RETURNS (tuple[float, float]): The entities a second, and the share of those with a code."""
    nlp, docs = spacy.blank("zh"), []
    for start in range(0, len(terms), PER_DOC):
        part = [nlp.make_doc(term) for term in terms[start : start + PER_DOC]]
        ends = [*accumulate(map(len, part))]
        doc = Doc.from_docs(part, ensure_whitespace=False)
        doc.set_ents(
            [Span(doc, end - len(each), end, "T") for each, end in zip(part, ends, strict=True)]
        )
        docs.append(doc)
    begin = process_time()
    for doc in docs:
        finder(doc)
    seconds = process_time() - begin
    with_code = sum(bool(entity.kb_id_) for doc in docs for entity in doc.ents)
    return len(terms) / seconds, with_code / len(terms)


@app.command()
def speed(terms: Annotated[int, typer.Option()] = 1_000_000) -> None:
    """Print the times of one core, and memory."""
    rows = draw_rows(terms)
    nlp = spacy.blank("zh")
    finder = nlp.add_pipe("str_codes")
    with TemporaryDirectory() as folder:
        path = write_rows(Path(folder) / "terms.csv", rows)
        before, begin = memory(), process_time()
        finder.initialize(nlp=nlp, path=path)  # type: ignore[attr-defined]
        print(f"read the table: {process_time() - begin:.1f} s")
        nlp.to_disk(folder)
        size = measure(Path(folder) / "str_codes")
        print(f"saved: {size / 2**20:.0f} MB; at most {memory() - before:.0f} MB of memory")
        begin = process_time()
        loaded = spacy.load(folder)
        print(f"load: {process_time() - begin:.1f} s")
    drawn = [row[2] for row in random.Random(1).sample(rows, QUERIES)]
    for name, queries in (("exact", drawn), ("fuzzy", [*map(misspell, drawn)])):
        rate, share = time_codes(loaded.get_pipe("str_codes"), queries)
        print(f"{name}: {rate:,.0f} entities a second, {share:.1%} with a code")


def memory() -> float:
    """RETURNS (float): The peak of the memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    app()
