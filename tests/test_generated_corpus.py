"""The committed demo corpus keeps what the annotation scheme and its documentation promise."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from scripts.coronary.__main__ import main
from scripts.coronary.words import ALL_CLAUSES, CLAUSES, NEW_WORDS, VESSELS

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

Sentence = dict[str, Any]
Splits = dict[str, list[Sentence]]


@pytest.fixture(scope="module")
def splits() -> Splits:
    folder = ROOT / "assets" / "coronary"
    return {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in SIZES}


@pytest.fixture(scope="module")
def sentences(splits: Splits) -> list[Sentence]:
    return [sentence for split in splits.values() for sentence in split]


@pytest.fixture(scope="module")
def relation_counts(sentences: list[Sentence]) -> Counter[str]:
    return Counter(name for sentence in sentences for *_, name in sentence["relations"])


def mask(text: str) -> str:
    return re.sub(r"\d", "0", text)


def words(split: list[Sentence]) -> set[str]:
    return {mask(word) for sentence in split for *_, word, _ in sentence["entities"]}


def clauses(sentence: Sentence) -> set[str]:
    """The text between punctuation marks, with the entities replaced by their types."""
    text, end = "", 0
    for start, stop, _, kind in sentence["entities"]:
        text += sentence["text"][end:start] + f"<{kind}>"
        end = stop
    return set(re.split("[，,；;。.：:]", text + sentence["text"][end:]))


@pytest.mark.slow
def test_default_seed_reproduces_the_files(tmp_path: Path) -> None:
    main(tmp_path)
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
def test_entity_proportions(sentences: list[Sentence], kind: str) -> None:
    counts = Counter(kind for sentence in sentences for *_, kind in sentence["entities"])
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


def test_sentence_lengths(sentences: list[Sentence]) -> None:
    entities = [len(sentence["entities"]) for sentence in sentences]
    characters = [len(sentence["text"]) for sentence in sentences]
    assert min(entities) >= 5 and max(entities) <= 15
    assert 9 <= sum(entities) / len(entities) <= 11
    assert min(characters) >= 20 and max(characters) <= 150
    assert sum(count > 110 for count in characters) >= len(sentences) / 10


def test_entities(sentences: list[Sentence]) -> None:
    for sentence in sentences:
        end = 0
        for start, stop, text, kind in sentence["entities"]:
            assert end <= start < stop
            assert sentence["text"][start:stop] == text
            assert text == text.strip() and not re.search("[，。；、的约近]$|^[约]", text)
            assert kind in ENTITY_SHARES
            end = stop


def test_relations(sentences: list[Sentence]) -> None:
    for sentence in sentences:
        kinds = [kind for *_, kind in sentence["entities"]]
        pairs = [(i, j) for i, j, _ in sentence["relations"]]
        assert pairs == sorted(set(pairs))
        for i, j, label in sentence["relations"]:
            assert 0 <= i < j < len(kinds)
            name, direction = label.split("_", 1)
            head, tail = (i, j) if direction == "1_2" else (j, i)
            assert kinds[head] == HEADS[name]
            assert kinds[tail] in ({"Location"} if name == "Position" else PLACES)


def test_locations_belong_to_one_vessel(sentences: list[Sentence]) -> None:
    for sentence in sentences:
        places = [j for _, j, name in sentence["relations"] if name == "Position_1_2"]
        assert len(places) == len(set(places))


def test_no_vessel_is_named_twice(sentences: list[Sentence]) -> None:
    aliases = {
        name: number
        for number, vessel in enumerate(VESSELS)
        for name in vessel.names + vessel.new_names
    }
    for sentence in sentences:
        named = [aliases[word] for *_, word, _ in sentence["entities"] if word in aliases]
        assert len(named) == len(set(named))


def test_no_entity_is_left_unmarked(sentences: list[Sentence]) -> None:
    known = [word for word in words(sentences) if len(word) > 1]
    for sentence in sentences:
        plain = "".join("".join(clauses(sentence)))
        plain = re.sub(r"<\w+>", "|", plain)
        assert not NEGATIONS.search(plain)
        assert not [word for word in known if word in plain]
        assert not re.search(r"\d", plain)


def test_some_entities_are_in_no_relation(sentences: list[Sentence]) -> None:
    tails, heads, counts = 0, 0, Counter[str]()
    for sentence in sentences:
        kinds = [kind for *_, kind in sentence["entities"]]
        counts.update(kinds)
        tails += sum(name == "Position_1_2" for *_, name in sentence["relations"])
        heads += len(
            {(i, j)[name[-1] == "1"] for i, j, name in sentence["relations"] if "Perc" in name}
        )
    assert 0.08 <= 1 - tails / counts["Location"] <= 0.25
    assert 0.08 <= 1 - heads / counts["Quantifier"] <= 0.35


def test_types_alone_predict_relations_poorly(sentences: list[Sentence]) -> None:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        kinds = [kind for *_, kind in sentence["entities"]]
        related = {(i, j): name for i, j, name in sentence["relations"]}
        for j in range(len(kinds)):
            for i in range(j):
                counts[kinds[i], kinds[j]][related.get((i, j), "")] += 1
    guesses = [kind for kind in counts.values() if set(kind) - {""}]
    right = sum(max(n for name, n in guess.items() if name) for guess in guesses)
    assert right / sum(guess.total() for guess in guesses) < 0.45


def test_number_forms(sentences: list[Sentence]) -> None:
    numbers = words(sentences)
    assert {"00-00%", "00－00％", "00%", "TIMI 0级", "TIMI血流0级", "TIMI Ⅲ级"} <= numbers
    assert any(re.search("[０-９]+－[０-９]+％", sentence["text"]) for sentence in sentences)
    assert any("," in sentence["text"] for sentence in sentences)


def test_every_seen_clause_occurs_in_training(splits: Splits) -> None:
    used = {shape for sentence in splits["train"] for shape in sentence["shapes"]}
    known = {ALL_CLAUSES.index(clause) for clause in CLAUSES}
    assert known <= used


def test_no_sentence_is_repeated(splits: Splits) -> None:
    texts = [mask(sentence["text"]) for split in splits.values() for sentence in split]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("name", SIZES)
def test_unseen_sentences_are_new(splits: Splits, name: str) -> None:
    unseen = [sentence for sentence in splits[name] if sentence["unseen"]]
    assert len(unseen) == UNSEEN[name]
    known_words = words(splits["train"])
    known_shapes = {shape for sentence in splits["train"] for shape in sentence["shapes"]}
    known_clauses = set().union(*(clauses(sentence) for sentence in splits["train"]))
    for sentence in unseen:
        assert sentence["novelty"]
        assert ("word" in sentence["novelty"]) == bool(words([sentence]) - known_words)
        assert ("shape" in sentence["novelty"]) == bool(set(sentence["shapes"]) - known_shapes)
        if "shape" in sentence["novelty"]:
            assert clauses(sentence) - known_clauses


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_seen_sentences_are_known(splits: Splits, name: str) -> None:
    known_shapes = {shape for sentence in splits["train"] for shape in sentence["shapes"]}
    findings = [word for slot in ("absent", "plaque") for word in NEW_WORDS[slot]]
    for sentence in splits[name]:
        if not sentence["unseen"]:
            assert sentence["novelty"] == []
            assert words([sentence]) <= words(splits["train"])
            assert set(sentence["shapes"]) <= known_shapes
            assert not [word for word in findings if word in sentence["text"]]
