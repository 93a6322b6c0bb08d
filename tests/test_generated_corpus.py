"""The committed demo corpus keeps what the annotation scheme and its documentation promise."""

import importlib.util
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SIZES = {"train": 560, "dev": 70, "test_seen": 35, "test_unseen": 35}
UNSEEN = {"train": 0, "dev": 35, "test_seen": 0, "test_unseen": 35}
ENTITY_SHARES = {
    "Negation": 103 / 2136,
    "BodyPart": 492 / 2136,
    "Degree": 658 / 2136,
    "Quantifier": 422 / 2136,
    "Location": 461 / 2136,
}
RELATION_SHARES = {
    "Negative": 406 / 2219,
    "Modifier": 1068 / 2219,
    "Position": 389 / 2219,
    "Percentage": 356 / 2219,
}
PLACES = {"BodyPart", "Location"}
HEADS = {"Position": "BodyPart", "Modifier": "Degree", "Percentage": "Quantifier"}
HEADS["Negative"] = "Negation"
# What no plain text may contain, since the scheme would mark it.
NEGATIONS = re.compile("未见|未发现|并无|不伴|否认|未探及|没有")

Record = dict[str, Any]
Splits = dict[str, list[Record]]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    path = ROOT / "scripts" / "generate_coronary.py"
    spec = importlib.util.spec_from_file_location("generate_coronary", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def splits() -> Splits:
    folder = ROOT / "assets" / "coronary"
    return {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in SIZES}


@pytest.fixture(scope="module")
def records(splits: Splits) -> list[Record]:
    return [record for split in splits.values() for record in split]


@pytest.fixture(scope="module")
def relation_counts(records: list[Record]) -> Counter[str]:
    return Counter(name for record in records for *_, name in record["relations"])


def mask(text: str) -> str:
    return re.sub(r"\d", "0", text)


def words(split: list[Record]) -> set[str]:
    return {mask(word) for record in split for *_, word, _ in record["entities"]}


def clauses(record: Record) -> set[str]:
    """The text between punctuation marks, with the entities replaced by their types."""
    text, end = "", 0
    for start, stop, _, kind in record["entities"]:
        text += record["text"][end:start] + f"<{kind}>"
        end = stop
    return set(re.split("[，,；;。.：:]", text + record["text"][end:]))


@pytest.mark.slow
def test_default_seed_reproduces_the_files(generator: ModuleType, tmp_path: Path) -> None:
    generator.main(tmp_path)
    for name in SIZES:
        committed = ROOT / "assets" / "coronary" / f"{name}.json"
        assert (tmp_path / committed.name).read_bytes() == committed.read_bytes()


def test_sizes(splits: Splits) -> None:
    assert {name: len(split) for name, split in splits.items()} == SIZES
    for name in splits:
        path = ROOT / "assets" / "coronary" / f"{name}.json"
        assert path.stat().st_size < 700_000
        assert len(path.read_text("utf-8").splitlines()) == len(splits[name]) + 2


@pytest.mark.parametrize("kind", ENTITY_SHARES)
def test_entity_proportions(records: list[Record], kind: str) -> None:
    counts = Counter(kind for record in records for *_, kind in record["entities"])
    assert counts[kind] / counts.total() == pytest.approx(ENTITY_SHARES[kind], rel=0.1)


@pytest.mark.parametrize("name", RELATION_SHARES)
def test_relation_proportions(relation_counts: Counter[str], name: str) -> None:
    count = relation_counts[f"{name}_1_2"] + relation_counts[f"{name}_2_1"]
    assert count / relation_counts.total() == pytest.approx(RELATION_SHARES[name], rel=0.1)


def test_percentage_directions(relation_counts: Counter[str]) -> None:
    ratio = relation_counts["Percentage_1_2"] / relation_counts["Percentage_2_1"]
    assert ratio == pytest.approx(100 / 256, rel=0.15)


def test_other_directions(relation_counts: Counter[str]) -> None:
    assert relation_counts["Position_2_1"] == 0
    for name in ("Modifier", "Negative"):
        inverse = relation_counts[f"{name}_1_2"]
        assert 0.03 <= inverse / (inverse + relation_counts[f"{name}_2_1"]) <= 0.05


def test_sentence_lengths(records: list[Record]) -> None:
    entities = [len(record["entities"]) for record in records]
    characters = [len(record["text"]) for record in records]
    assert min(entities) >= 5 and max(entities) <= 15
    assert 9 <= sum(entities) / len(entities) <= 11
    assert min(characters) >= 20 and max(characters) <= 150
    assert sum(count > 110 for count in characters) >= len(records) / 10


def test_entities(records: list[Record]) -> None:
    for record in records:
        end = 0
        for start, stop, text, kind in record["entities"]:
            assert end <= start < stop
            assert record["text"][start:stop] == text
            assert text == text.strip() and not re.search("[，。；、的约近]$|^[约]", text)
            assert kind in ENTITY_SHARES
            end = stop


def test_relations(records: list[Record]) -> None:
    for record in records:
        kinds = [kind for *_, kind in record["entities"]]
        pairs = [(i, j) for i, j, _ in record["relations"]]
        assert pairs == sorted(set(pairs))
        for i, j, label in record["relations"]:
            assert 0 <= i < j < len(kinds)
            name, direction = label.split("_", 1)
            head, tail = (i, j) if direction == "1_2" else (j, i)
            assert kinds[head] == HEADS[name]
            assert kinds[tail] in ({"Location"} if name == "Position" else PLACES)


def test_locations_belong_to_one_vessel(records: list[Record]) -> None:
    for record in records:
        places = [j for _, j, name in record["relations"] if name == "Position_1_2"]
        assert len(places) == len(set(places))


def test_no_vessel_is_named_twice(records: list[Record], generator: ModuleType) -> None:
    aliases = {
        name: number
        for number, vessel in enumerate(generator.VESSELS)
        for name in vessel.names + vessel.new_names
    }
    for record in records:
        named = [aliases[word] for *_, word, _ in record["entities"] if word in aliases]
        assert len(named) == len(set(named))


def test_no_entity_is_left_unmarked(records: list[Record]) -> None:
    known = [word for word in words(records) if len(word) > 1]
    for record in records:
        plain = "".join("".join(clauses(record)))
        plain = re.sub(r"<\w+>", "|", plain)
        assert not NEGATIONS.search(plain)
        assert not [word for word in known if word in plain]
        assert not re.search(r"\d", plain)


def test_some_entities_are_in_no_relation(records: list[Record]) -> None:
    tails, heads, counts = 0, 0, Counter[str]()
    for record in records:
        kinds = [kind for *_, kind in record["entities"]]
        counts.update(kinds)
        tails += sum(name == "Position_1_2" for *_, name in record["relations"])
        heads += len(
            {(i, j)[name[-1] == "1"] for i, j, name in record["relations"] if "Perc" in name}
        )
    assert 0.08 <= 1 - tails / counts["Location"] <= 0.25
    assert 0.08 <= 1 - heads / counts["Quantifier"] <= 0.35


def test_types_alone_predict_relations_poorly(records: list[Record]) -> None:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for record in records:
        kinds = [kind for *_, kind in record["entities"]]
        related = {(i, j): name for i, j, name in record["relations"]}
        for j in range(len(kinds)):
            for i in range(j):
                counts[kinds[i], kinds[j]][related.get((i, j), "")] += 1
    guesses = [kind for kind in counts.values() if set(kind) - {""}]
    right = sum(max(n for name, n in guess.items() if name) for guess in guesses)
    assert right / sum(guess.total() for guess in guesses) < 0.45


def test_number_forms(records: list[Record]) -> None:
    numbers = words(records)
    assert {"00-00%", "00－00％", "00%", "TIMI 0级", "TIMI血流0级", "TIMI Ⅲ级"} <= numbers
    assert any(re.search("[０-９]+－[０-９]+％", record["text"]) for record in records)
    assert any("," in record["text"] for record in records)


def test_every_seen_clause_occurs_in_training(splits: Splits, generator: ModuleType) -> None:
    used = {shape for record in splits["train"] for shape in record["shapes"]}
    known = {generator.ALL_CLAUSES.index(clause) for clause in generator.CLAUSES}
    assert known <= used


def test_no_sentence_is_repeated(splits: Splits) -> None:
    texts = [mask(record["text"]) for split in splits.values() for record in split]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("name", SIZES)
def test_unseen_sentences_are_new(splits: Splits, name: str) -> None:
    unseen = [record for record in splits[name] if record["unseen"]]
    assert len(unseen) == UNSEEN[name]
    known_words = words(splits["train"])
    known_shapes = {shape for record in splits["train"] for shape in record["shapes"]}
    known_clauses = set().union(*(clauses(record) for record in splits["train"]))
    for record in unseen:
        assert record["novelty"]
        assert ("word" in record["novelty"]) == bool(words([record]) - known_words)
        assert ("shape" in record["novelty"]) == bool(set(record["shapes"]) - known_shapes)
        if "shape" in record["novelty"]:
            assert clauses(record) - known_clauses


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_seen_sentences_are_known(splits: Splits, generator: ModuleType, name: str) -> None:
    known_shapes = {shape for record in splits["train"] for shape in record["shapes"]}
    findings = [word for slot in ("absent", "plaque") for word in generator.NEW_WORDS[slot]]
    for record in splits[name]:
        if not record["unseen"]:
            assert record["novelty"] == []
            assert words([record]) <= words(splits["train"])
            assert set(record["shapes"]) <= known_shapes
            assert not [word for word in findings if word in record["text"]]
