"""Data frames of pandas and Polars, and of `datasets` in `make check-frames`."""

import re
import subprocess
import sys
import warnings
from importlib import import_module
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation, set_attributes, set_codes
from spacy_str_encoder.frames import annotate

from .reduced_project import ROOT

LIBRARIES = ["pandas", "polars", "datasets"]
REPORTS = ["无发热，咳嗽三天。", "一切正常。", "咳嗽"]
IDS = ["A-17", "A-18", "B-1"]


@Language.component("relate_days", assigns=["doc._.relations", "span._.attributes"])
def relate_days(doc: Doc) -> Doc:
    """Relates a cough to the days of it, and negates a fever. A cough has a code."""
    found = {entity.text: entity for entity in doc.ents}
    if "发热" in found:
        set_attributes(found["发热"], {"Assertion": "negated"}, {"Assertion": 0.5})
    if "咳嗽" in found:
        code = {"code": "R05", "system": "icd", "display": "Cough", "score": 1.0}
        set_codes(found["咳嗽"], [code])  # type: ignore[list-item]
    pairs = [(found["咳嗽"], found["三天"])] if "三天" in found else []
    doc._.relations = [Relation(*pair, "lasts", 0.75, 0.875) for pair in pairs]
    return doc


def make_nlp(*names: str) -> Language:
    nlp = spacy.blank("zh")
    findings = [{"label": "Finding", "pattern": word} for word in ("发热", "咳嗽")]
    days = {"label": "Days", "pattern": "三天", "id": "three"}
    nlp.add_pipe("entity_ruler").add_patterns([*findings, days])  # type: ignore[attr-defined]
    for name in names:
        nlp.add_pipe(name, config={"central": ["Finding"]} if name == "str_records" else {})
    return nlp


@pytest.fixture(scope="module")
def nlp() -> Language:
    return make_nlp("relate_days", "str_records")


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


def make_frame(library: str, columns: dict[str, list[Any]]) -> Any:
    module: Any = import_module(library)
    if library == "datasets":
        return module.Dataset.from_dict(columns)
    return module.DataFrame(columns)


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of any frame as plain data, None for what is missing."""
    if hasattr(frame, "to_dicts"):
        return list(frame.to_dicts())
    if hasattr(frame, "to_dict") and hasattr(frame, "isna"):
        frame = frame.astype(object).where(frame.notna(), None)
        rows = frame.to_dict("records")
        return [{name: to_list(value) for name, value in row.items()} for row in rows]
    return list(frame)


def to_list(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def reports(library: str) -> Any:
    return make_frame(library, {"note_id": IDS, "report": REPORTS})


FEVER = {
    "doc": 0,
    "id": "A-17",
    "entity": "发热",
    "label": "Finding",
    "start": 1,
    "end": 3,
    "score": None,
    "entity_id": None,
    "kb_id": None,
    "codes": None,
    "attributes.Assertion": "negated",
    "attribute_scores.Assertion": 0.5,
}
NO_ATTRIBUTES = {"attributes.Assertion": None, "attribute_scores.Assertion": None}
CODES = [{"code": "R05", "system": "icd", "display": "Cough", "score": 1.0}]
COUGH = {**FEVER, **NO_ATTRIBUTES, "entity": "咳嗽", "start": 4, "end": 6, "codes": CODES}
DAYS = {
    **FEVER,
    **NO_ATTRIBUTES,
    "entity": "三天",
    "label": "Days",
    "start": 6,
    "end": 8,
    "entity_id": "three",
}


def test_a_frame_of_entities(library: str, nlp: Language) -> None:
    frame = reports(library)
    found = annotate(frame, nlp, text="report", id="note_id")
    assert type(found) is type(frame)
    later = {**COUGH, "doc": 2, "id": "B-1", "start": 0, "end": 2}
    assert rows_of(found) == [FEVER, COUGH, DAYS, later]
    assert [*rows_of(found)[0]] == [*FEVER]
    # The given frame stays as it is.
    assert rows_of(frame)[0] == {"note_id": "A-17", "report": REPORTS[0]}


RELATION = {
    "doc": 0,
    "head": "咳嗽",
    "head_label": "Finding",
    "head_start": 4,
    "head_end": 6,
    "label": "lasts",
    "tail": "三天",
    "tail_label": "Days",
    "tail_start": 6,
    "tail_end": 8,
    "score": 0.75,
    "score_given_entities": 0.875,
}


def test_a_frame_of_relations(library: str, nlp: Language) -> None:
    found = annotate(reports(library), nlp, text="report", of="relations")
    assert rows_of(found) == [RELATION]
    assert [*rows_of(found)[0]] == [*RELATION]


def test_a_frame_of_records(library: str, nlp: Language) -> None:
    found = rows_of(annotate(reports(library), nlp, text="report", id="note_id", of="records"))
    names = ("doc", "id", "record", "entity", "key", "value", "value_start", "score")
    assert [[row[name] for name in names] for row in found] == [
        [0, "A-17", 0, "发热", "Assertion", "negated", None, 0.5],
        [0, "A-17", 1, "咳嗽", "lasts", "三天", 6, 0.75],
        [2, "B-1", 0, "咳嗽", None, None, None, None],
    ]


@pytest.mark.parametrize("of", ["entities", "relations", "records"])
def test_types_are_the_same_without_rows(library: str, nlp: Language, of: Any) -> None:
    full, *empty = (
        annotate(
            make_frame(library, {"note_id": IDS[:number], "report": texts}),
            nlp,
            text="report",
            id="note_id",
            of=of,
        )
        for number, texts in ((1, REPORTS[:1]), (2, ["一切正常。", ""]))
    )
    without = annotate(head(reports(library), 0), nlp, text="report", id="note_id", of=of)
    expected = types_of(full)
    # No component declares attributes here.
    known = {name: kind for name, kind in expected.items() if not name.startswith("attribute")}
    for frame in (*empty, without):
        assert len(frame) == 0
        assert types_of(frame) == known


def head(frame: Any, size: int) -> Any:
    return frame.select(range(size)) if hasattr(frame, "column_names") else frame.head(size)


def types_of(frame: Any) -> dict[str, Any]:
    if hasattr(frame, "features"):
        return dict(frame.features)
    return {**(frame.schema if hasattr(frame, "schema") else frame.dtypes)}


def test_columns_of_attributes_that_a_component_declares_are_always_there() -> None:
    nlp = make_nlp()
    nlp.add_pipe("str_attr").add_label("Assertion", "negated")  # type: ignore[attr-defined]
    frame = make_frame("pandas", {"text": []})
    found = annotate(frame.astype(str), nlp)
    assert [*found.columns][-2:] == ["attributes.Assertion", "attribute_scores.Assertion"]


def test_the_index_of_pandas_is_that_of_the_text(nlp: Language) -> None:
    frame = reports("pandas").set_index("note_id")
    found = annotate(frame, nlp, text="report")
    assert [*found.index] == ["A-17", "A-17", "A-17", "B-1"]
    assert found.index.name == "note_id"
    assert "id" not in found.columns
    joined = frame.join(found, how="left")
    assert [*joined["entity"].fillna("-")] == ["发热", "咳嗽", "三天", "-", "咳嗽"]
    # Rows may have any index, and any number.
    turned = annotate(reports("pandas").iloc[[2, 0]], nlp, text="report", id="note_id")
    assert [*turned.index] == [2, 0, 0, 0]
    assert [*turned["id"]] == ["B-1", "A-17", "A-17", "A-17"]
    assert [*turned["doc"]] == [0, 1, 1, 1]


def test_identifiers_keep_their_type(library: str, nlp: Language) -> None:
    frame = make_frame(library, {"note_id": [7, 8, 9], "report": REPORTS})
    found = annotate(frame, nlp, text="report", id="note_id")
    assert [row["id"] for row in rows_of(found)] == [7, 7, 7, 9]
    assert types_of(found)["id"] == types_of(frame)["note_id"]


def test_missing_texts_are_counted(library: str, nlp: Language) -> None:
    frame = make_frame(library, {"report": [None, *REPORTS, None]})
    with pytest.warns(UserWarning, match="column 'report': 2 texts missing, without rows"):
        found = annotate(frame, nlp, text="report")
    assert [row["doc"] for row in rows_of(found)] == [1, 1, 1, 3]


@pytest.mark.parametrize("missing", [float("nan"), None, "NA", "NaT"])
def test_pandas_has_several_kinds_of_missing_texts(missing: Any, nlp: Language) -> None:
    pandas: Any = import_module("pandas")
    value = getattr(pandas, missing) if isinstance(missing, str) else missing
    frame = pandas.DataFrame({"text": pandas.Series(["咳嗽", value], dtype=object)})
    with pytest.warns(UserWarning, match="1 text missing"):
        assert [*annotate(frame, nlp)["doc"]] == [0]


def test_repeated_identifiers_are_counted(library: str, nlp: Language) -> None:
    frame = make_frame(library, {"note_id": ["A", "B", "A"], "report": REPORTS})
    with pytest.warns(UserWarning, match="'note_id': 1 identifier of more than one text"):
        found = annotate(frame, nlp, text="report", id="note_id")
    assert [(row["doc"], row["id"]) for row in rows_of(found)][-2:] == [(0, "A"), (2, "A")]


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_identifiers_are_not_those_of_several_texts(
    missing: float | None, library: str, nlp: Language
) -> None:
    frame = make_frame(library, {"note_id": [missing, 2.0, missing], "report": REPORTS})
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        annotate(frame, nlp, text="report", id="note_id")


def test_half_a_character_is_named(nlp: Language) -> None:
    pandas: Any = import_module("pandas")
    frame = pandas.DataFrame({"report": pandas.Series(["咳嗽", "发热\ud83d"], dtype=object)})
    message = r"column 'report', row 1: the text must be valid Unicode, got '\\ud83d', .* at 2"
    with pytest.raises(ValueError, match=message) as caught:
        annotate(frame, nlp, text="report")
    assert not isinstance(caught.value, UnicodeError)


def test_nothing_is_said_if_all_is_well(library: str, nlp: Language) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        annotate(reports(library), nlp, text="report", id="note_id")


def test_numbers_are_no_texts(library: str, nlp: Language) -> None:
    frame = make_frame(library, {"report": [4, 5]})
    message = r"column 'report', row 0: the text must be a string, got 4 \(int\)"
    with pytest.raises(ValueError, match=message):
        annotate(frame, nlp, text="report")


def test_a_number_among_texts_is_named_before_anything_is_annotated(nlp: Language) -> None:
    frame = make_frame("pandas", {"text": ["咳嗽", 3.5]})
    with pytest.raises(ValueError, match=r"column 'text', row 1: .* got 3\.5 \(float\)"):
        annotate(frame, nlp)


def test_a_text_that_is_too_long_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = make_nlp("relate_days")
    monkeypatch.setattr(nlp, "max_length", 8)
    with pytest.raises(ValueError, match=r"row 0: the text has 9 characters, .* \(8\)"):
        annotate(reports(library), nlp, text="report")


@pytest.mark.parametrize("option", ["text", "id"])
def test_a_column_that_is_not_there_is_named(library: str, option: str, nlp: Language) -> None:
    options = {"text": "report", option: "notes"}
    message = f"{option}='notes': the frame has no such column; it has 'note_id', 'report'"
    with pytest.raises(ValueError, match=message):
        annotate(reports(library), nlp, **options)  # type: ignore[arg-type]


def test_two_columns_of_the_same_name_are_refused(nlp: Language) -> None:
    frame = reports("pandas").set_axis(["report", "report"], axis=1)
    with pytest.raises(ValueError, match="there must be one column 'report', got 2"):
        annotate(frame, nlp, text="report")


def wrong_frames() -> list[Any]:
    polars: Any = import_module("polars")
    series = make_frame("pandas", {"text": REPORTS})["text"]
    return [series, polars.LazyFrame({"text": REPORTS}), REPORTS, {"text": REPORTS}, "text.csv"]


@pytest.mark.parametrize("number", range(5))
def test_what_is_no_frame_is_refused(number: int, nlp: Language) -> None:
    known = "frame: must be one of pandas.DataFrame, polars.DataFrame, datasets.Dataset; got "
    with pytest.raises(ValueError, match=known):
        annotate(wrong_frames()[number], nlp)


def test_a_lazy_frame_must_be_collected(nlp: Language) -> None:
    with pytest.raises(ValueError, match=r"LazyFrame; call its method collect\(\) first"):
        annotate(wrong_frames()[1], nlp)


def test_wrong_arguments_are_named(nlp: Language) -> None:
    frame: Any = reports("pandas")
    with pytest.raises(ValueError, match=r"nlp: must be a pipeline, .* got a str"):
        annotate(frame, "training/model-best", text="report")  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="of: must be one of entities, relations, records; got 'x'"
    ):
        annotate(frame, nlp, text="report", of="x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_process": 0}, "n_process: must be at least 1, or -1 for all CPUs; got 0"),
        ({"batch_size": 0}, "batch_size: must be at least 1, got 0"),
    ],
)
def test_numbers_that_are_too_low_are_named(
    options: dict[str, int], message: str, nlp: Language
) -> None:
    with pytest.raises(ValueError, match=message):
        annotate(reports("pandas"), nlp, text="report", **options)  # type: ignore[arg-type]


def test_a_pipeline_that_sets_nothing_of_the_kind_is_told() -> None:
    frame: Any = reports("pandas")
    with pytest.warns(UserWarning, match=r"no component of the pipeline sets doc\._\.relations"):
        assert len(annotate(frame, make_nlp(), text="report", of="relations")) == 0
    with pytest.raises(ValueError, match=r"sets doc\._\.records, .*; add str_records"):
        annotate(frame, make_nlp("relate_days"), text="report", of="records")


@pytest.mark.slow
def test_many_texts_in_batches_and_processes(nlp: Language) -> None:
    # More rows than are made at once.
    frame = make_frame("polars", {"text": REPORTS * 300})
    alone = annotate(frame, nlp)
    assert len(alone) == 1200
    assert alone["doc"].is_sorted()
    assert alone.equals(annotate(frame, nlp, batch_size=7))
    assert alone.equals(annotate(frame, nlp, n_process=2, batch_size=100))


def test_attributes_that_come_late_have_columns_too(nlp: Language) -> None:
    # More rows than are made at once come before.
    frame = make_frame("pandas", {"text": ["咳嗽"] * 1500 + ["无发热"]})
    found = annotate(frame, nlp)
    assert found["attributes.Assertion"].count() == 1
    assert found["attributes.Assertion"].iloc[-1] == "negated"


def test_strings_of_texts_do_not_stay_in_the_vocabulary() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Finding", "pattern": "unheardof"}])  # type: ignore[attr-defined]
    frame = make_frame("pandas", {"text": ["An unheardof syndromeword here."]})
    assert [*annotate(frame, nlp)["entity"]] == ["unheardof"]
    assert "syndromeword" not in nlp.vocab.strings


@Language.factory("find_nested", assigns=["doc.ents", "doc.spans"])
class FindNested:
    """Puts two entities that overlap into a span group, as `str_ner` does."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.cfg = {"spans_key": "sc"}

    def __call__(self, doc: Doc) -> Doc:
        doc.spans["sc"] = [Span(doc, 0, 1, "BodyPart"), Span(doc, 0, 2, "Finding")]
        return doc


def test_entities_of_a_span_group() -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("find_nested")
    frame = make_frame("pandas", {"text": ["腹胀三天"]})
    assert [*annotate(frame, nlp)["entity"]] == ["腹", "腹胀"]


def test_no_library_of_frames_is_imported_without_a_frame() -> None:
    code = (
        "import sys, spacy\nfrom spacy_str_encoder.frames import annotate\n"
        "try:\n    annotate(3, spacy.blank('zh'))\nexcept ValueError:\n    pass\n"
        "print(sorted({'pandas', 'polars', 'datasets'}.intersection(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


def test_without_pyarrow_the_extra_is_named(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = reports("pandas")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = r"data frames require pyarrow; .* 'spacy_str_encoder\[parquet\]'"
    with pytest.raises(ImportError, match=message):
        annotate(frame, nlp, text="report")


def test_the_snippet_with_datasets_can_be_run(
    nlp: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("datasets")
    page = (ROOT / "docs" / "frames.md").read_text("utf-8")
    [code] = re.findall(r"^```python with_datasets.py\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ruler: Any = spacy.blank("zh")
    ruler.add_pipe("entity_ruler").add_patterns([{"label": "BodyPart", "pattern": "左主干"}])
    exec(code, {"annotate": annotate, "nlp": ruler})
    assert capsys.readouterr().out == "4017 左主干 BodyPart\n"
