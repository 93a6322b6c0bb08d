"""The benchmarks: what they compare with, and that they run."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import srsly

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports modules as the scripts do, and forgets them again."""
    names = [path.stem for path in FOLDER.glob("*.py")]
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def floors(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("floors")


def multiply_adds(mask: str, focus_layers: int, rows: int, pieces: int) -> int:
    """Count the linear maps of one pair, layer by layer and row by row."""
    total = 0
    for layer in range(1, focus_layers + 1):
        is_first, is_last = layer == 1, layer == focus_layers
        if mask == "pair":
            queries, keys = (1 if is_last else rows), rows
            # The sentence has computed those of the first layer already.
            new = rows if not is_first else 0
        elif is_last or is_first:
            queries, keys = 1, rows
            new = 0 if is_first else (1 if layer == 2 else rows)
        else:
            queries = rows if layer == focus_layers - 1 else pieces
            new = 1 if layer == 2 else pieces
            keys = pieces
        new_queries = min(queries, new)
        total += new_queries + 2 * new + (1 + 8) * queries
        assert queries <= keys
    return total


@pytest.mark.parametrize("focus_layers", range(1, 7))
def test_floors_count_what_is_needed(floors: ModuleType, focus_layers: int) -> None:
    expected = {mask: multiply_adds(mask, focus_layers, 5, 64) for mask in ("pair", "cls")}
    assert floors.pair_mask(focus_layers, 5) == expected["pair"]
    assert floors.cls_mask(focus_layers, 5, 64) == expected["cls"]


# Passes of BERT-base over 64 pieces, for the entities and 28 pairs whose focus has 5 rows.
@pytest.mark.parametrize(
    ("mask", "focus_layers", "passes"),
    [("pair", 4, 1.56), ("cls", 2, 1.06), ("cls", 3, 1.23), ("cls", 4, 3.39)],
)
def test_floors_in_passes(floors: ModuleType, mask: str, focus_layers: int, passes: float) -> None:
    of_a_pair = (
        floors.pair_mask(focus_layers, 5)
        if mask == "pair"
        else floors.cls_mask(focus_layers, 5, 64)
    )
    assert 1 + 28 * of_a_pair / floors.plain(12, 64) == pytest.approx(passes, abs=0.005)


def test_texts_are_as_long_as_real_ones(load: Callable[[str], ModuleType]) -> None:
    workload = load("workload")
    texts = workload.make_texts(4000)
    lengths = sorted(len(text.text) + 2 for text in texts)
    assert 43 <= lengths[2000] <= 47
    assert 170 <= lengths[3800] <= 190
    assert lengths[-1] <= workload.LONGEST
    assert all(len(text.entities) == 8 for text in texts)
    assert texts != sorted(texts, key=lambda text: len(text.text))


@pytest.mark.slow
def test_a_small_benchmark_runs(
    load: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, encoders, pipelines = (load(name) for name in ("bench", "encoders", "pipelines"))
    shape = load("workload").Shape("tiny", 4, 24, 2)
    monkeypatch.setattr(encoders, "BERT_BASE", shape)
    for name in ("BERT_BASE", "SMALL"):
        monkeypatch.setattr(pipelines, name, shape)
    monkeypatch.setattr(pipelines, "PREDICTIONS", ((shape, 4, "≤ 2.1"),))
    monkeypatch.setattr(pipelines, "REAL_LENGTHS", ((shape, 4, "≤ 1.7", 0.1),))
    precisions = load("precisions")
    monkeypatch.setattr(precisions, "SPEED_UPS", ((shape, 4, "≥ 2.5"),))
    for name in ("BERT_BASE", "MINILM"):
        monkeypatch.setattr(precisions, name, shape)
    monkeypatch.setattr(pipelines, "TEXTS", 9)
    monkeypatch.setattr(pipelines, "LONG_DOC", (1, 2, 2, 3) * 9)
    monkeypatch.setattr(pipelines, "DOCS", (1, 2))
    monkeypatch.setattr(pipelines, "PIECES_A_DOC", (32, 64))
    monkeypatch.setattr(pipelines, "ENTITIES_A_DOC", (2, 8))
    bench.main(tmp_path)
    written = srsly.read_json(tmp_path / "cpu.json")
    assert len(written["results"]) == 21
    for result in written["results"]:
        needs_units = "bfloat16" in result["name"] or "int8" in result["name"]
        assert result["value"] is not None or needs_units
        assert result["value"] is None or result["value"] > 0
    assert set(written["growth"]) == {"docs", "pieces a doc", "pairs a doc"}
    earlier = load("report").read_earlier(tmp_path / "cpu.json")
    measured = [result for result in written["results"] if result["value"] is not None]
    assert earlier == {result["name"]: result["value"] for result in measured}
    pictures = [path.read_bytes()[:4] for path in tmp_path.glob("*.png")]
    assert pictures == [b"\x89PNG"] * 2


def test_the_load_of_a_service_is_summarized(load: Callable[[str], ModuleType]) -> None:
    service = load("service")
    rounds = [(2.0, [0.5, 1.5]), (3.0, [1.0] * 98)]
    found = service.summarize("serve", 8, rounds)
    assert found == service.Load("serve", 8, rate=20.0, median=1.0, high=pytest.approx(1.005))


@pytest.mark.slow
def test_both_services_are_measured(load: Callable[[str], ModuleType]) -> None:
    pytest.importorskip("fastapi")
    service = load("service")
    loads = service.measure(Path(__file__).parent / "saved" / "pipeline", 0.1, 1)
    assert [(each.clients, each.service) for each in loads] == [
        (clients, name) for clients in (1, 8, 64) for name in ("serve", "snippet")
    ]
    for each in loads:
        assert each.rate > 0
        assert 0 < each.median <= each.high
