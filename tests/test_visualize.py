"""What is seen of docs, and the HTML that it becomes."""

import csv
import gzip
import json
import re
from html import unescape
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from pyarrow import parquet
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_str_encoder import Relation, set_attributes
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.relation import place_of
from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.visualize import DocView, compare_docs, render, view_doc
from spacy_str_encoder.visualize.run import read_texts, sort_views

from .crowded_texts import crowded_texts
from .pipelines import ANNOTATIONS, MakeNlp, build_trained, make_example

VOCAB = Vocab()
WORDS = ["Ada", "works", "at", "Acme", "in", "Rome"]
ADA, ACME, ROME = (0, 1, "PER"), (3, 4, "ORG"), (5, 6, "LOC")
HOSTILE = "<script>alert(1)</script>"


def make_doc(
    entities: list[tuple[int, int, str]], relations: Any = None, words: list[str] = WORDS
) -> Doc:
    doc = Doc(VOCAB, words=words)
    doc.ents = [Span(doc, *entity) for entity in entities]
    if relations is not None:
        doc._.relations = [
            Relation(Span(doc, *head), Span(doc, *tail), label, 0.5)
            for head, label, tail in relations
        ]
    return doc


def entities_of(view: DocView) -> dict[tuple[str, str], str]:
    return {(view.text[e.start : e.end], e.label): e.kind for e in view.entities}


def relations_of(view: DocView) -> dict[tuple[str, str, str], str]:
    def text(index: int) -> str:
        return view.text[view.entities[index].start : view.entities[index].end]

    return {(text(r.head), r.label, text(r.tail)): r.kind for r in view.relations}


# What is seen


def test_what_is_in_a_doc() -> None:
    doc = make_doc([ADA, ACME], [(ADA, "works_for", ACME)])
    doc.ents[0]._.score = 0.75
    view = view_doc(doc)
    assert entities_of(view) == {("Ada", "PER"): "found", ("Acme", "ORG"): "found"}
    assert relations_of(view) == {("Ada", "works_for", "Acme"): "found"}
    assert [entity.score for entity in view.entities] == [0.75, None]
    assert view.relations[0].score == 0.5
    assert view.errors == 0


def test_right_wrong_and_missed() -> None:
    gold = make_doc([ADA, ACME, ROME], [(ADA, "works_for", ACME), (ACME, "in", ROME)])
    found = make_doc(
        [ADA, ACME, (5, 6, "PER")], [(ADA, "works_for", ACME), (ACME, "works_for", ADA)]
    )
    view = compare_docs(found, gold)
    assert entities_of(view) == {
        ("Ada", "PER"): "correct",
        ("Acme", "ORG"): "correct",
        ("Rome", "LOC"): "missed",
        ("Rome", "PER"): "wrong",
    }
    assert relations_of(view) == {
        ("Ada", "works_for", "Acme"): "correct",
        ("Acme", "works_for", "Ada"): "wrong",
        ("Acme", "in", "Rome"): "missed",
    }
    assert view.errors == 4
    symmetric = compare_docs(found, gold, symmetric=["works_for"])
    assert relations_of(symmetric)["Ada", "works_for", "Acme"] == "correct"
    assert symmetric.errors == 3


def test_what_nobody_annotated_is_just_found() -> None:
    found = make_doc([ADA, ACME], [(ADA, "works_for", ACME)])
    view = compare_docs(found, make_doc([ADA]))
    assert entities_of(view) == {("Ada", "PER"): "correct", ("Acme", "ORG"): "wrong"}
    assert relations_of(view) == {("Ada", "works_for", "Acme"): "found"}
    assert compare_docs(found, Doc(VOCAB, words=WORDS)).errors == 0


@pytest.mark.parametrize(
    "found, gold, errors, annotated, rate",
    [
        # An entity of the wrong type is wrong and missed.
        ([(0, 1, "ORG")], [ADA], 2, 1, 2.0),
        ([ADA], [ADA, ACME, ROME], 2, 3, 2 / 3),
        # Without gold annotations, each error counts as if there were one.
        ([ADA, ACME], [], 2, 0, 2.0),
        ([], [], 0, 0, 0.0),
    ],
)
def test_errors_per_gold_annotation(
    found: Any, gold: Any, errors: int, annotated: int, rate: float
) -> None:
    view = compare_docs(make_doc(found), make_doc(gold))
    assert (view.errors, view.gold, view.error_rate) == (errors, annotated, rate)


def test_relations_and_attributes_count_as_gold_annotations() -> None:
    gold = make_doc([ADA, ACME], [(ADA, "works_for", ACME)])
    gold.ents[0]._.attributes = {"Of": "family"}
    found = make_doc([ADA, ACME], [])
    found.ents[0]._.attributes = {"Of": "family"}
    view = compare_docs(found, gold)
    assert (view.errors, view.gold, view.error_rate) == (1, 4, 1 / 4)
    assert ">Document 1, 1 error (4 gold annotations)<" in render([view]).html


def test_the_worst_come_first_by_rate_and_then_by_errors() -> None:
    long = compare_docs(make_doc([ADA]), make_doc([ADA, ACME, ROME]))
    correct = compare_docs(make_doc([ADA]), make_doc([ADA]))
    one_missed = compare_docs(make_doc([]), make_doc([ADA]))
    all_missed = compare_docs(make_doc([]), make_doc([ADA, ACME, ROME]))
    views = sort_views([long, correct, one_missed, all_missed, one_missed])
    # Error rates: 2/3, 0, 1, 1 and 1.
    assert [view.number for view in views] == [4, 3, 5, 1, 2]


def test_spans_of_a_group() -> None:
    doc = make_doc([], [(ADA, "works_for", ACME)])
    doc.spans["sc"] = [Span(doc, *ADA), Span(doc, *ACME), Span(doc, 2, 4, "PLACE")]
    view = view_doc(doc, spans_key="sc")
    assert [*entities_of(view)] == [("Ada", "PER"), ("at Acme", "PLACE"), ("Acme", "ORG")]


def test_docs_with_other_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="must have the same text"):
        compare_docs(make_doc([]), make_doc([], words=["Ada"]))


# Attributes

ATTRIBUTES = {
    ADA: {"Assertion": "negated", "Of": "family"},
    ACME: {"Assertion": "present", "Of": "self"},
    ROME: {"Assertion": "possible"},
}
DEFAULTS = {"Assertion": "present"}
Attributes = dict[tuple[int, int, str], dict[str, str]]


def with_attributes(attributes: Attributes, score: float = 0.75) -> Doc:
    doc = make_doc([ADA, ACME, ROME])
    for (start, end, label), values in attributes.items():
        set_attributes(Span(doc, start, end, label), values, dict.fromkeys(values, score))
    return doc


def attributes_of(view: DocView) -> dict[str, dict[str, str]]:
    return {
        view.text[entity.start : entity.end]: {
            f"{each.name}={each.value}": each.kind for each in entity.attributes
        }
        for entity in view.entities
    }


def test_attributes_without_default_values() -> None:
    doc = with_attributes({**ATTRIBUTES, ROME: {}})
    view = view_doc(doc, defaults=DEFAULTS)
    assert attributes_of(view) == {
        "Ada": {"Assertion=negated": "found", "Of=family": "found"},
        "Acme": {"Of=self": "found"},
        "Rome": {},
    }
    assert {each.score for entity in view.entities for each in entity.attributes} == {0.75}
    assert "Assertion=present" in attributes_of(view_doc(doc))["Acme"]


def test_right_wrong_and_missed_attributes() -> None:
    gold = {
        ADA: {"Assertion": "possible", "Of": "family"},
        # The default value need not be annotated.
        ACME: {"Of": "other"},
        ROME: {"Assertion": "possible"},
    }
    view = compare_docs(with_attributes(ATTRIBUTES), with_attributes(gold), defaults=DEFAULTS)
    assert attributes_of(view) == {
        "Ada": {
            "Assertion=negated": "wrong",
            "Assertion=possible": "missed",
            "Of=family": "correct",
        },
        "Acme": {"Of=self": "wrong", "Of=other": "missed"},
        "Rome": {"Assertion=possible": "correct"},
    }
    assert view.errors == 4 and {*view.kinds} == {"correct", "wrong", "missed"}
    # The gold value comes after the wrong one.
    assert [each.kind for each in view.entities[1].attributes] == ["wrong", "missed"]


def test_attributes_that_nobody_annotated_are_just_found() -> None:
    view = compare_docs(with_attributes(ATTRIBUTES), with_attributes({ADA: {}}))
    assert attributes_of(view) == {
        "Ada": {"Assertion=negated": "wrong", "Of=family": "wrong"},
        "Acme": {"Assertion=present": "found", "Of=self": "found"},
        "Rome": {"Assertion=possible": "found"},
    }
    # A pipeline that predicts no attributes misses none.
    view = compare_docs(make_doc([ADA]), with_attributes(ATTRIBUTES))
    assert attributes_of(view) == {"Ada": {}, "Acme": {}, "Rome": {}}


def test_attributes_of_wrong_and_missed_entities() -> None:
    gold = make_doc([ADA, ACME])
    gold.ents[1]._.attributes = {"Of": "family"}
    found = make_doc([ADA, ROME])
    for entity in found.ents:
        entity._.attributes = {"Of": "family"}
    assert attributes_of(compare_docs(found, gold)) == {
        "Ada": {"Of=family": "found"},
        "Acme": {"Of=family": "missed"},
        "Rome": {"Of=family": "found"},
    }


def test_attributes_stand_beside_the_label() -> None:
    gold = with_attributes({ADA: {"Assertion": "possible"}})
    gold.spans["sc"] = [Span(gold, *ADA), Span(gold, 0, 2, "Long")]
    found = with_attributes(ATTRIBUTES)
    found.spans["sc"] = [Span(found, *ADA), Span(found, 0, 2, "Long"), Span(found, *ROME)]
    page = Parsed(render([compare_docs(found, gold, spans_key="sc")]).html)
    assert page.labels == {
        "doc-1-entity-0": "PERcorrect Assertion=negated 0.75 wrong "
        "Assertion=possible missed Of=family 0.75 wrong",
        "doc-1-entity-1": "Longcorrect",
        "doc-1-entity-2": "LOCwrong Assertion=possible 0.75",
    }
    [ada] = page.attributes("mark", **{"data-label": "PER"})
    assert ada["data-kinds"] == "correct wrong missed"
    assert ada["title"] == (
        "Ada: PER, correct; Assertion=negated 0.75 wrong; Assertion=possible missed; "
        "Of=family 0.75 wrong"
    )


# HTML


class Parsed(HTMLParser):
    """The tags of a page with their attributes, its text without labels, and the text and the label
    of each entity.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.texts: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.is_open: list[str] = []
        self.is_text = self.is_label = False
        self.feed(html)

    @property
    def marks(self) -> list[str]:
        return [text + self.labels[mark] for mark, text in self.texts.items()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.is_label = self.is_label or tag == "small"
        self.is_text = tag != "svg" and (self.is_text or attributes.get("class") == "entities")
        if tag == "mark":
            mark = attributes.get("id") or attributes.get("data-of") or ""
            assert ("id" in attributes) == (mark not in self.texts)
            self.is_open.append(mark)
            self.texts.setdefault(mark, "")
        if tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        self.is_label = self.is_label and tag != "small"
        if tag == "mark":
            self.is_open.pop()

    def handle_data(self, data: str) -> None:
        if self.is_label:
            self.labels[self.is_open[-1]] = self.labels.get(self.is_open[-1], "") + data
        elif self.is_text:
            self.text += data
            for mark in self.is_open:
                self.texts[mark] += data

    def attributes(self, name: str, **wanted: str) -> list[dict[str, str | None]]:
        found = [attributes for tag, attributes in self.tags if tag == name]
        return [each for each in found if wanted.items() <= each.items()]


def test_relations_point_at_marks() -> None:
    view = view_doc(make_doc([ADA, ACME], [(ADA, "works_for", ACME)]))
    page = Parsed(render([view, view]).html)
    ids = [mark["id"] for mark in page.attributes("mark")]
    assert len(set(ids)) == len(ids) == 4
    rows = page.attributes("tr", **{"class": "relation found"})
    assert [(row["data-head"], row["data-tail"]) for row in rows] == [
        (ids[0], ids[1]),
        (ids[2], ids[3]),
    ]
    assert page.marks[:2] == ["AdaPERfound", "AcmeORGfound"]


def test_overlapping_entities_are_all_marked() -> None:
    doc = make_doc([])
    places = [(0, 3, "A"), (0, 1, "B"), (2, 4, "C"), (3, 4, "D"), (3, 4, "E"), (5, 6, "F")]
    doc.spans["sc"] = [Span(doc, *place) for place in places]
    page = Parsed(render([view_doc(doc, spans_key="sc")]).html)
    marked = sorted(f"{doc[start:end].text}{label}found" for start, end, label in places)
    assert sorted(page.marks) == marked
    assert page.text == doc.text
    # C crosses A, and only F is alone.
    [crossing] = [each for each in page.attributes("mark") if "data-of" in each]
    assert crossing["data-label"] == "C"
    assert len(page.attributes("span", **{"class": "stack"})) == 1
    titles = {
        str(mark["data-label"]): mark.get("title") for mark in page.attributes("mark", tabindex="0")
    }
    assert titles["A"] == "Ada works at: A" and titles["C"] == "at Acme: C" and titles["F"] is None


def test_titles_tell_scores_and_kinds() -> None:
    found, gold = make_doc([]), make_doc([])
    for doc, places in (found, [(0, 3, "A"), (0, 1, "B")]), (gold, [(0, 1, "B"), (0, 2, "C")]):
        doc.spans["sc"] = [Span(doc, *place) for place in places]
    found.spans["sc"][1]._.score = 0.75
    page = Parsed(render([compare_docs(found, gold, spans_key="sc")]).html)
    assert [mark["title"] for mark in page.attributes("mark")] == [
        "Ada works at: A, wrong",
        "Ada works: C, missed",
        "Ada: B 0.75, correct",
    ]


@given(crowded_texts())
def test_every_entity_is_on_the_page_once(annotated: AnnotatedText) -> None:
    doc = Doc(VOCAB, words=[*annotated.text], spaces=[False] * len(annotated.text))
    spans = [Span(doc, each.start, each.end, each.label) for each in annotated.entities]
    doc.spans["sc"] = spans
    relations = [(spans[each.head], spans[each.tail], each.label) for each in annotated.relations]
    doc._.relations = [Relation(*each) for each in relations]
    page = Parsed(render([view_doc(doc, spans_key="sc")]).html)
    assert page.text == doc.text

    marks = {mark["id"]: mark for mark in page.attributes("mark", tabindex="0")}
    places = {
        key: (int(str(mark["data-start"])), int(str(mark["data-end"])), str(mark["data-label"]))
        for key, mark in marks.items()
    }
    assert sorted(places.values()) == sorted({place_of(span) for span in spans})
    for key, (start, end, label) in places.items():
        assert page.texts[str(key)] == doc.text[start:end]
        assert page.labels[str(key)] == f"{label}found"

    rows = page.attributes("tr", **{"class": "relation found"})
    found = {
        (places[row["data-head"]], places[row["data-tail"]], row["data-label"]) for row in rows
    }
    assert found == {(place_of(head), place_of(tail), label) for head, tail, label in relations}


def test_everything_from_texts_and_labels_is_escaped() -> None:
    label = f'x" onload="{HOSTILE}'
    doc = make_doc([(0, 1, label)], [((0, 1, label), HOSTILE, (0, 1, label))], [HOSTILE, "{text}"])
    doc.ents[0]._.attributes = {label: HOSTILE, HOSTILE: "{score}"}
    html = render([view_doc(doc)], title=HOSTILE, lang='"><script>').html
    page = Parsed(html)
    assert len(page.attributes("script")) == 1
    assert not any("onload" in attributes for _, attributes in page.tags)
    [mark] = page.attributes("mark")
    assert mark["data-label"] == label
    assert "{text}" in html and HOSTILE in unescape(html)
    assert f"{label}={HOSTILE} 1.00" in page.labels["doc-1-entity-0"]


def test_a_page_without_docs_has_no_filters() -> None:
    page = Parsed(render([]).html)
    assert page.attributes("fieldset") == [] and page.attributes("main")


@pytest.mark.parametrize(
    "places, relations, note",
    [([], [], True), ([], None, True), ([ADA], [], False), ([], [(ADA, "in", ROME)], False)],
)
def test_a_doc_without_entities_says_so(places: Any, relations: Any, note: bool) -> None:
    page = render([view_doc(make_doc(places, relations))])
    assert ('<p class="none">No entities</p>' in page.html) == note
    assert bool(Parsed(page.html).attributes("table")) == bool(relations)


def test_filters_of_more_than_two_boxes_have_buttons() -> None:
    doc = make_doc([ADA, ACME, ROME], [(ADA, "works_for", ACME), (ADA, "in", ROME)])
    page = Parsed(render([view_doc(doc)]).html)
    assert len(page.attributes("fieldset")) == 2
    assert [each["data-choose"] for each in page.attributes("button")] == ["all", "none"]


def test_notebooks_show_the_page_in_a_frame() -> None:
    page = render([view_doc(make_doc([ADA]))])
    [frame] = Parsed(page._repr_html_()).attributes("iframe")
    assert frame["srcdoc"] == page.html
    assert frame["sandbox"] == "allow-scripts"


# The command


@pytest.fixture(scope="module")
def model(make_nlp: MakeNlp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("visualize") / "model"
    build_trained(make_nlp, ANNOTATIONS).to_disk(path)
    return path


def visualize(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["visualize", *map(str, arguments)])


@pytest.mark.slow
def test_a_text(model: Path, tmp_path: Path) -> None:
    text, entities, relations = ANNOTATIONS[0]
    result = visualize(model, text, "-o", tmp_path / "new" / "page.html")
    assert result.exit_code == 0, result.output
    assert "1 of 1 text" in result.stdout
    page = Parsed((tmp_path / "new" / "page.html").read_text("utf-8"))
    assert len(page.attributes("mark")) == len(entities)
    assert len(page.attributes("tr", **{"class": "relation found"})) == len(relations)
    [text_box] = page.attributes("div", **{"class": "text"})
    assert text_box["lang"] == "zh"


def test_a_file_of_texts(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "reports.txt"
    path.write_text("\n".join(text for text, _, _ in ANNOTATIONS) + "\n\n", "utf-8")
    result = visualize(model, path, "-o", tmp_path / "page.html", "--limit", 2)
    assert f"2 of {len(ANNOTATIONS)} texts" in result.stdout
    html = (tmp_path / "page.html").read_text("utf-8")
    assert "<title>reports.txt</title>" in html
    assert len(Parsed(html).attributes("article")) == 2


def write_table(path: Path, texts: list[str]) -> None:
    """A file of one of the types that `annotate` reads, with a text in the column "report"."""
    name = path.name.removesuffix(".gz")
    rows = [{"id": number, "report": text} for number, text in enumerate(texts)]
    if name.endswith(".parquet"):
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return
    if name.endswith(".jsonl"):
        content = "".join(f"{json.dumps(row)}\n" for row in rows)
    else:
        table = StringIO()
        dialect = "excel-tab" if name.endswith(".tsv") else "excel"
        writer = csv.DictWriter(table, ["id", "report"], dialect=dialect)
        writer.writeheader()
        writer.writerows(rows)
        content = table.getvalue()
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        file.write(content)


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.gz", "a.tsv.gz", "a.jsonl.gz", "A.CSV"],
)
def test_tables_of_texts_are_read_as_annotate_does(name: str, tmp_path: Path) -> None:
    texts = ['左主干"无"狭窄，\n血流可。', "Ada, at Acme\tin Rome"]
    write_table(tmp_path / name, texts)
    assert read_texts(str(tmp_path / name), ConversionReport(), text_field="report") == texts


@pytest.mark.slow
def test_a_table_is_predicted(model: Path, tmp_path: Path) -> None:
    texts = [text for text, _, _ in ANNOTATIONS]
    write_table(tmp_path / "a.csv.gz", texts)
    options = "--text-field", "report", "-o", tmp_path / "page.html"
    result = visualize(model, tmp_path / "a.csv.gz", *options)
    assert f"{len(texts)} of {len(texts)} texts" in result.stdout
    page = Parsed((tmp_path / "page.html").read_text("utf-8"))
    kinds = {str(mark["class"]) for mark in page.attributes("mark")}
    assert kinds == {"entity found"}


def test_gold_docs_worst_first(model: Path, make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp()
    docs = [make_example(nlp, annotation).reference for annotation in ANNOTATIONS]
    # The second one is annotated otherwise than the pipeline has learned.
    docs[1].ents = [Span(docs[1], 0, 1, "Other")]
    docs[1]._.relations = []
    path = tmp_path / "gold.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    result = visualize(model, path, "--gold", "-o", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    page = Parsed((tmp_path / "page.html").read_text("utf-8"))
    headings = re.findall(r">Document (\d+)", (tmp_path / "page.html").read_text("utf-8"))
    assert headings[0] == "2" and sorted(headings) == sorted(map(str, range(1, 1 + len(docs))))
    kinds = {str(mark["class"]) for mark in page.attributes("mark")}
    assert kinds == {"entity correct", "entity wrong", "entity missed"}


@pytest.mark.parametrize(
    "source, options, message",
    [
        ("missing.txt", [], "missing.txt: no such file or folder"),
        ("missing.spacy", ["--gold"], "missing.spacy"),
        ("page.html", [], "page.html is an input and would be overwritten"),
    ],
)
def test_what_can_not_be_read_is_one_line(
    model: Path, tmp_path: Path, source: str, options: list[str], message: str
) -> None:
    (tmp_path / "page.html").write_text("text", "utf-8")
    result = visualize(model, tmp_path / source, *options, "-o", tmp_path / "page.html")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert message in result.stderr
    assert (tmp_path / "page.html").read_text("utf-8") == "text"


@pytest.mark.parametrize("options", [(), ("--gold",)])
@pytest.mark.parametrize("text", [" ", " \n"])
def test_a_blank_text_is_not_the_current_folder(
    text: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    result = visualize("no_pipeline", text, "-o", tmp_path / "page.html", *options)
    assert result.exit_code == 1
    assert result.stderr == "Error: TEXT|FILE must not be blank; is a variable empty?\n"


def test_a_long_text_is_no_file_name() -> None:
    text = "狭窄" * 3000
    assert read_texts(text, None) == [text]  # type: ignore[arg-type]


def test_ends_that_only_gold_relations_have_are_missed() -> None:
    found, gold = make_doc([], [(ADA, "r", ACME)]), make_doc([], [(ACME, "r", ROME)])
    found.spans["sc"] = []
    view = compare_docs(found, gold, spans_key="sc")
    kinds = {found.text[each.start : each.end]: each.kind for each in view.entities}
    ada, acme, rome = (Span(found, *place).text for place in (ADA, ACME, ROME))
    assert kinds == {ada: "found", acme: "found", rome: "missed"}


def test_entities_are_compared_where_their_span_group_is() -> None:
    found, flat, none = make_doc([ADA], []), make_doc([ADA], []), make_doc([ADA], [])
    found.spans["sc"] = list(found.ents)
    none.spans["sc"] = []
    unannotated = Doc(VOCAB, words=WORDS)
    for gold, kind in ((flat, "correct"), (none, "wrong"), (unannotated, "found")):
        for spans_key in ("sc", None):
            [entity] = compare_docs(found, gold, spans_key=spans_key).entities
            assert entity.kind == kind
