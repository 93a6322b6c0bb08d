"""The contract of imports: the table of docs/architecture.md, and the check that it holds."""

from pathlib import Path

import pytest

from scripts.check_imports import PACKAGE, TABLE, find_violations, read_contract

CONTRACT = read_contract(
    "| room | holds | may import |\n"
    "|---|---|---|\n"
    "| `base`, `other` | things | `numpy` |\n"
    "| `middle` | things | `base`, `spacy` |\n"
    "| `top` | things | all of the above, `typer` |\n"
)


def test_the_table_is_read() -> None:
    assert {
        "base": {"numpy"},
        "other": {"numpy"},
        "middle": {"base", "spacy"},
        "top": {"base", "other", "middle", "numpy", "spacy", "typer"},
    } == CONTRACT


@pytest.mark.parametrize(
    ("path", "line", "imported"),
    [
        ("base.py", "import torch.nn", "torch"),
        ("base.py", "from .middle import x", "middle"),
        ("base.py", "def late():\n    from . import middle", "middle"),
        ("middle/x.py", "from ..top import x", "top"),
        ("middle/x.py", "from pack.other.y import x", "other"),
        ("middle/deep/x.py", "from ...other import x", "other"),
        ("middle/x.py", "if TYPE_CHECKING:\n    import pack.top", "top"),
    ],
)
def test_an_import_that_is_not_allowed_is_named(
    path: str, line: str, imported: str, tmp_path: Path
) -> None:
    file = tmp_path / "pack" / path
    file.parent.mkdir(parents=True)
    file.write_text(line, "utf-8")
    [violation] = find_violations(tmp_path / "pack", CONTRACT)
    room = path.split("/")[0].removesuffix(".py")
    assert violation.startswith(f"{file}:")
    assert violation.endswith(f"'{room}' must not import '{imported}'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("base.py", "import json\nfrom numpy.typing import NDArray"),
        ("middle/x.py", "from .y import x\nfrom ..base import y\nimport spacy"),
        ("top.py", "from .middle.x import y\nfrom . import base, other\nimport typer"),
    ],
)
def test_imports_that_are_allowed(path: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "pack" / path
    file.parent.mkdir(parents=True)
    file.write_text(line, "utf-8")
    assert not [*find_violations(tmp_path / "pack", CONTRACT)]


def test_a_room_that_is_not_in_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "attic.py").touch()
    [violation] = find_violations(tmp_path, CONTRACT)
    assert violation.endswith("'attic' is not in the table")


def test_the_package_keeps_the_contract() -> None:
    assert not [*find_violations(PACKAGE, read_contract(TABLE.read_text("utf-8")))]


def test_every_row_of_the_table_is_a_room() -> None:
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert {*read_contract(TABLE.read_text("utf-8"))} == rooms - {"py.typed"}


def test_few_modules_lie_loose_at_the_top() -> None:
    assert len([*PACKAGE.glob("*.py")]) <= 11
