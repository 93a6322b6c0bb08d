"""Files that are written whole or not at all, and what they may not be written over."""

import json
from pathlib import Path

import pytest
from spacy.language import Language
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.cli.prepare import prepare
from spacy_str_encoder.files.whole import check_outputs, written_whole


@pytest.mark.parametrize(
    ("output", "source", "message"),
    [
        ("a", "a", "a is an input and would be overwritten; choose another output"),
        ("a/b", "a", "a/b is inside of the input a; choose another output"),
        ("a/b/c", "a", "a/b/c is inside of the input a; choose another output"),
        ("a", "a/b/c", "the input a/b/c is inside of a; choose another output"),
        ("a/../b/c", "b", "a/../b/c is inside of the input b; choose another output"),
    ],
)
def test_outputs_and_inputs_are_kept_apart(
    output: str, source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught:
        check_outputs([Path(output)], [Path(source)])
    assert str(caught.value) == message


def test_a_link_leads_into_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(ValueError, match="is inside of the input"):
        check_outputs([tmp_path / "link" / "out.json"], [tmp_path / "in"])


@pytest.mark.parametrize(("output", "source"), [("ab", "a"), ("a", "ab"), ("a/b", "a/c")])
def test_names_that_only_begin_alike_are_apart(output: str, source: str) -> None:
    check_outputs([Path(output)], [Path(source)])


def test_each_of_many_files_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[Path] = []
    resolve = Path.resolve

    def count(path: Path) -> Path:
        looked_up.append(path)
        return resolve(path)

    monkeypatch.setattr(Path, "resolve", count)
    inputs, outputs = ([Path(folder, str(i)) for i in range(9)] for folder in ("in", "out"))
    check_outputs(outputs, inputs)
    assert sorted(looked_up) == [*inputs, *outputs]


def list_names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_failure_leaves_no_folder_behind(tmp_path: Path, is_folder: bool) -> None:
    (tmp_path / "old").mkdir()
    with (
        pytest.raises(ValueError, match="stop"),
        written_whole(tmp_path / "old" / "new" / "newer" / "file") as unfinished,
    ):
        unfinished.mkdir() if is_folder else unfinished.touch()
        raise ValueError("stop")
    assert list_names(tmp_path) == ["old"]


def test_a_folder_that_others_write_to_stays(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="stop"),
        written_whole(tmp_path / "new" / "file") as unfinished,
    ):
        unfinished.touch()
        (tmp_path / "new" / "other").touch()
        raise ValueError("stop")
    assert list_names(tmp_path) == ["new", "new/other"]


def test_folders_are_created_when_the_file_is_written(tmp_path: Path) -> None:
    output = tmp_path / "new" / "newer" / "file"
    prepare(gpu_id=-1, inputs=[], outputs=[output])
    assert list_names(tmp_path) == []
    with written_whole(output) as unfinished:
        unfinished.write_text("whole", "utf-8")
    assert output.read_text("utf-8") == "whole"


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"file is not a folder"):
        prepare(gpu_id=-1, inputs=[], outputs=[tmp_path / "file" / "page.html"])


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def run_badly(*arguments: object) -> None:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_commands_that_fail_leave_nothing_behind(model: Path, tmp_path: Path) -> None:
    bad, new = tmp_path / "bad.jsonl", tmp_path / "new"
    line = {"text": "狭窄", "entities": [], "relations": []}
    bad.write_text(f"{json.dumps(line)}\n" + "{", "utf-8")
    for target in ("spacy", "brat", "uima"):
        run_badly("convert", bad, "-o", new / "newer", "--lang", "zh", "--to", target)
    run_badly("evaluate", model, bad, "-o", new / "scores.json", "--plot", new / "plot.png")
    run_badly("visualize", model, bad, "--gold", "-o", new / "page.html")
    assert not new.exists()


def test_scores_are_not_written_into_the_data(model: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    result = CliRunner().invoke(
        app,
        ["evaluate", str(model), str(tmp_path / "data"), "-o", str(tmp_path / "data" / "s.json")],
    )
    assert result.exit_code == 1
    assert "is inside of the input" in " ".join(result.stderr.split())
