"""Relations as triples of strings, against a count of plain strings, written anew; and macro F1."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.evaluation import Outcomes, evaluate, lay_out, make_report
from spacy_str_encoder.evaluation.outcomes import EntityOutcome, RelationOutcome

# Start, end and type of an entity; head, tail and label of a relation.
Mention = tuple[int, int, str]
Arc = tuple[Mention, Mention, str]
# A text, its gold relations, and the predicted ones.
Drawn = tuple[str, list[Arc], list[Arc]]

# Repeated strings, two cases of a letter, and white space.
texts = st.text(alphabet="aAb \n", min_size=4, max_size=9)


@st.composite
def drawn_docs(draw: st.DrawFn) -> Drawn:
    text = draw(texts)
    # Any two places: nested, crossing and repeated entities among them.
    ends = st.sampled_from([(i, j) for i in range(len(text)) for j in range(i + 1, len(text) + 1)])
    mentions = st.builds(lambda place, label: (*place, label), ends, st.sampled_from("XY"))
    arcs = st.lists(st.tuples(mentions, mentions, st.sampled_from("PQ")), max_size=5, unique=True)
    gold, wrong = draw(arcs), draw(arcs)
    kept = [arc for arc in gold if draw(st.booleans())]
    return text, gold, [*dict.fromkeys([*kept, *wrong])]


def report_of(docs: list[Drawn], symmetric: str = "") -> Any:
    relations = [
        RelationOutcome(
            gold=dict.fromkeys(gold, 0),
            predicted=predicted,
            scores=[1.0] * len(predicted),
            is_set=True,
            gold_entities=set(),
            entities=set(),
            text=text,
        )
        for text, gold, predicted in docs
    ]
    outcomes = Outcomes(frozenset(symmetric), len(docs), [], relations, relations)
    return make_report(outcomes, outcomes, samples=2)


def plain(text: str, mention: Mention) -> str:
    """The definition of CMeIE and DuIE, in the plainest way."""
    start, end, _ = mention
    return text[start:end].strip()


def plain_triples(text: str, arcs: list[Arc], *, typed: bool, symmetric: str) -> list[Any]:
    found: list[Any] = []
    for head, tail, label in arcs:
        ends = [[plain(text, end), end[2] if typed else None] for end in (head, tail)]
        same = [[*ends, label], [*ends[::-1], label]]
        if not any(each in found for each in (same if label in symmetric else same[:1])):
            found.append(same[0])
    return found


@pytest.mark.parametrize("task", ["relations", "relations_gold_entities"])
@pytest.mark.parametrize("view", ["triples", "typed_triples"])
@given(st.lists(drawn_docs(), min_size=1, max_size=3), st.sampled_from(["", "P"]))
def test_triples_are_counted_by_their_strings(
    task: str, view: str, docs: list[Drawn], symmetric: str
) -> None:
    scores = report_of(docs, symmetric)["model"][task]
    if scores is None:
        assert not any(gold or predicted for _, gold, predicted in docs)
        return
    correct = n_predicted = n_gold = 0
    for text, *both in docs:
        gold, predicted = (
            plain_triples(text, arcs, typed=view == "typed_triples", symmetric=symmetric)
            for arcs in both
        )
        n_gold, n_predicted = n_gold + len(gold), n_predicted + len(predicted)
        for first, second, label in predicted:
            turned = label in symmetric and [second, first, label] in gold
            correct += [first, second, label] in gold or turned
    micro = scores[view]["micro"]
    assert [micro[x] for x in ("correct", "predicted", "gold")] == [correct, n_predicted, n_gold]
    f = 2 * correct / (n_predicted + n_gold) if correct else 0
    assert micro["f"] == pytest.approx(f)


#       01234567
TEXT = "a b a b A"
A, B, LATER_A, LATER_B = (0, 1, "X"), (2, 3, "X"), (4, 5, "X"), (6, 7, "Y")
UPPER = (8, 9, "X")


@pytest.mark.parametrize(
    ("gold", "predicted", "strict", "triples", "typed"),
    [
        # The same two strings at another place, or with other types.
        ([(A, B, "P")], [(LATER_A, B, "P")], 0, 1, 1),
        ([(A, B, "P")], [(A, LATER_B, "P")], 0, 1, 0),
        # Another direction, label or case.
        ([(A, B, "P")], [(B, A, "P")], 0, 0, 0),
        ([(A, B, "P")], [(A, B, "Q")], 0, 0, 0),
        ([(A, B, "P")], [(UPPER, B, "P")], 0, 0, 0),
        # White space around an entity, but not a longer one.
        ([(A, B, "P")], [((0, 2, "X"), (1, 4, "X"), "P")], 0, 1, 1),
        ([(A, B, "P")], [((0, 3, "X"), B, "P")], 0, 0, 0),
        # Repeated ones count once.
        ([(A, B, "P"), (LATER_A, B, "P")], [(A, B, "P")], 1, 1, 1),
    ],
)
def test_what_is_the_same_triple(
    gold: list[Arc], predicted: list[Arc], strict: int, triples: int, typed: int
) -> None:
    scores = report_of([(TEXT, gold, predicted)])["model"]["relations"]
    views = [scores[view]["micro"] for view in ("strict", "triples", "typed_triples")]
    assert [micro["correct"] for micro in views] == [strict, triples, typed]
    assert [micro["gold"] for micro in views] == [len(gold), 1, 1]


def test_the_same_triple_of_two_texts_counts_twice() -> None:
    doc = TEXT, [(A, B, "P")], [(A, B, "P")]
    assert report_of([doc, doc])["model"]["relations"]["triples"]["micro"]["correct"] == 2


def test_the_text_is_that_of_the_gold_doc() -> None:
    nlp = spacy.blank("zh")

    @Language.component("relate_later", assigns=["doc.ents", "doc._.relations"])
    def relate_later(doc: Doc) -> Doc:
        doc.set_ents([Span(doc, 3, 4, "X"), Span(doc, 4, 5, "Y")])
        doc._.relations = [Relation(doc.ents[0], doc.ents[1], "P")]
        return doc

    nlp.add_pipe("relate_later")
    doc = nlp.make_doc("左右，左右")
    doc.set_ents([Span(doc, 0, 1, "X"), Span(doc, 1, 2, "Y")])
    doc._.relations = [Relation(doc.ents[0], doc.ents[1], "P")]
    scores: Any = evaluate(nlp, [doc], samples=2)["model"]["relations"]
    assert scores["strict"]["micro"]["f"] == 0
    assert scores["typed_triples"]["micro"]["f"] == 1


# Tables


def print_report(report: Any, **options: bool) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    for block in lay_out(report, **options):
        console.print(block)
    return console.export_text()


def row_of(printed: str, beginning: str, *, number: int = 0) -> list[str]:
    rows = [line for line in printed.splitlines() if line.strip().startswith(beginning)]
    return rows[number].replace(beginning, "").split()


def test_triples_have_a_table_of_their_own_and_rows_in_comparisons() -> None:
    gold: list[Arc] = [(A, B, "P"), (B, A, "Q")]
    predicted: list[Arc] = [(LATER_A, B, "P"), (A, LATER_B, "P")]
    report = report_of([(TEXT, gold, predicted)])
    assert "triples" not in print_report(report, details=True)
    printed = print_report(report, triples=True)
    assert max(map(len, printed.splitlines())) <= 80
    # Without types, one predicted triple; with types, two. P has the F1 1, with types 2/3; Q has 0.
    own = printed[printed.index("triples of strings") :]
    assert row_of(own, "RC, predicted entities")[:3] == ["100.0", "50.0", "66.7"]
    assert row_of(own, "RC, predicted entities")[-1] == "50.0"
    assert row_of(own, "with types")[:3] == ["50.0", "50.0", "50.0"]
    assert row_of(own, "with types")[-1] == "33.3"
    compared = printed[printed.index("of both models") :]
    assert row_of(compared, "triples with types")[:3] == ["50.0", "50.0", "+0.0"]
    assert report["comparison"]["relations"]["triples"]["f"] == pytest.approx(2 / 3)


def test_without_relations_there_is_no_table_of_triples() -> None:
    entities = [EntityOutcome({A}, [A], [1.0], True)]
    printed = print_report(make_report(Outcomes(frozenset(), 1, entities)), triples=True)
    assert "NER" in printed and "triples" not in printed


def test_the_command_prints_and_writes_triples(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "左"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "model")
    doc = nlp.make_doc("左右")
    doc.set_ents([Span(doc, 0, 1, "X")])
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "gold.spacy")
    arguments = ["evaluate", *(str(tmp_path / each) for each in ("model", "gold.spacy"))]
    arguments += ["--triples", "-o", str(tmp_path / "scores.json")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    scores = json.loads((tmp_path / "scores.json").read_text("utf-8"))["model"]
    assert scores["entities"]["triples"] is scores["entities"]["typed_triples"] is None


def mentions(label: str, first: int, number: int) -> list[Mention]:
    return [(i, i + 1, label) for i in range(first, first + number)]


def test_macro_f1_is_the_mean_over_the_labels_in_gold() -> None:
    # By hand. X: 3 of 4 found, none wrong, 2 * 3 / (3 + 4). Y: 1 of 1, one wrong, 2 / (2 + 1). Z:
    # none of 2. N has no gold annotation: it only lowers the micro scores.
    gold = [*mentions("X", 0, 4), *mentions("Y", 10, 1), *mentions("Z", 20, 2)]
    found = [*mentions("X", 0, 3), *mentions("Y", 10, 2), *mentions("N", 30, 5)]
    entities = [EntityOutcome({*gold}, found, [1.0] * 10, True)]
    arcs = {(A, B, label): 1 for label in "PQ"}
    related = RelationOutcome(arcs, [(A, B, "P")], [1.0], True, set(), set(), text=TEXT)
    report = make_report(Outcomes(frozenset(), 1, entities, [related], [related]), samples=2)
    scores: Any = report["model"]["entities"]
    assert scores["strict"]["macro_f"] == pytest.approx((6 / 7 + 2 / 3 + 0) / 3)
    assert scores["strict"]["micro"]["f"] == pytest.approx(2 * 4 / (10 + 7))
    printed = print_report(report)
    assert row_of(printed, "NER")[4] == "50.8"
    # P is found, Q is not.
    assert row_of(printed, "RC, predicted entities")[4] == "50.0"


def test_without_gold_there_is_no_macro_f1() -> None:
    entities = [EntityOutcome(set(), [A], [1.0], True)]
    report = make_report(Outcomes(frozenset(), 1, entities), samples=2)
    assert report["model"]["entities"]["strict"]["macro_f"] is None  # type: ignore[index]
    assert row_of(print_report(report), "NER")[4] == "-"


def test_every_table_says_what_it_counts() -> None:
    entities = [EntityOutcome({A, B}, [A, B], [1.0, 1.0], True)]
    related = RelationOutcome({(A, B, "P"): 1}, [(A, B, "P")], [1.0], True, {A, B}, {A, B})
    outcomes = Outcomes(frozenset(), 1, entities, [related], [related])
    blocks = [*lay_out(make_report(outcomes, outcomes, samples=2), details=True, triples=True)]
    tables: list[Any] = [block for block in blocks if hasattr(block, "columns")]
    assert len(tables) > 10
    for table in tables:
        first = table.columns[0]
        said = f"{table.title} {first.header}"
        assert "strict" in said or "triples" in said, table.title
        names = " ".join(map(str, first.cells))
        assert "NER" in f"{said} {names}" or "entities" in f"{said} {names}", table.title
        headers = {str(column.header) for column in table.columns}
        # Scores by label, or by something else, are neither.
        if "macro F1" in headers:
            assert "micro" in said and "macro F1 over gold labels" in said
