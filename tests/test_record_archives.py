"""Archives that are written as tables of records."""

import csv
import re
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.files.records import COLUMNS

LINES = ['{"id": 7, "text": "=Ada at Acme"}', "{", '{"text": "nobody"}', '{"text": "Bob"}']


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pipeline that finds names, and makes records of them."""
    nlp = spacy.blank("xx")
    patterns = [{"label": "PER", "pattern": name} for name in ("=Ada", "Bob")]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("str_records", config={"central": ["PER"]})
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(LINES), "utf-8")
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, re.sub(r"\s+", " ", result.output)


def annotate(model: Path, texts: Path, *options: object) -> tuple[int, str]:
    return run("annotate", model, texts, "-o", texts.parent / "out", *options)


def read(folder: Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted(folder.glob("part-*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows += csv.DictReader(file)
    return rows


@pytest.mark.parametrize(("options", "name"), [([], "'=Ada"), (["--raw"], "=Ada")])
def test_a_row_tells_its_text(model: Path, texts: Path, options: list[str], name: str) -> None:
    options = ["--format", "csv", "--part-size", "2", *options]
    code, printed = annotate(model, texts, *options)
    assert code == 3 and "3 texts annotated, 1 rejected" in printed, printed
    rows = read(texts.parent / "out")
    places = [(row["id"], row["source"], row["number"], row["entity"]) for row in rows]
    assert places == [("7", str(texts), "1", name), ("", str(texts), "4", "Bob")]
    columns = [each for each in COLUMNS if each not in ("doc", "id")]
    assert [*rows[0]] == ["id", "source", "number", *columns]
    part = texts.parent / "out" / "part-00000-000000.csv"
    assert part.read_bytes().startswith(b"\xef\xbb\xbfid,")

    # A missing part is noticed, and so is another setting.
    other = [each for each in options if each != "--raw"]
    other += [] if "--raw" in options else ["--raw"]
    code, printed = annotate(model, texts, *other)
    assert code == 1 and "earlier runs had other settings: 'format' was" in printed
    assert annotate(model, texts, *options)[0] == 3
    part.unlink()
    code, printed = annotate(model, texts, *options)
    assert code == 1 and "part-00000-000000" in printed
    assert annotate(model, texts, *options, "--overwrite")[0] == 3
    assert len(read(texts.parent / "out")) == 2


def test_without_records_nothing_is_begun(texts: Path) -> None:
    model = texts.parent / "blank"
    spacy.blank("xx").to_disk(model)
    code, printed = annotate(model, texts, "--format", "csv")
    assert code == 1 and "no component of this pipeline makes any" in printed
    assert not (texts.parent / "out").exists()


def test_raw_is_for_csv_alone(model: Path, texts: Path) -> None:
    code, printed = annotate(model, texts, "--raw")
    assert (code, printed) == (1, "Error: --raw requires --format csv ")


def test_records_are_not_taken_for_texts(model: Path, texts: Path, tmp_path: Path) -> None:
    annotate(model, texts, "--format", "csv")
    part = tmp_path / "out" / "part-00000-000000.csv"
    message = f"{part}: a table of records, which has no texts."
    code, printed = run("annotate", model, part, "-o", tmp_path / "again")
    assert code == 1 and message in printed
    code, printed = run("visualize", model, part, "-o", tmp_path / "page.html")
    assert code == 1 and message in printed
    for arguments in (["convert", part, "-o", tmp_path / "corpus"], ["evaluate", model, part]):
        code, printed = run(*arguments)
        assert (
            code == 1
            and f"Error: {part}: no format matches .csv files, which have no annotations;"
            in printed
        )
