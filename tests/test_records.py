"""Records of central entities: their values, how keys are made, and what keeps them."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_str_encoder import Relation, set_attributes, to_records
from spacy_str_encoder.doc.records import Record, key_values

from .pipelines import MakeNlp, make_examples

VOCAB = Vocab()
# An entity is a token: its text and type. A relation is head, label and tail, by their places.
FINDING = [("LAD", "Body"), ("proximal", "Place"), ("mild", "Degree"), ("LCX", "Body")]
POSITION, DEGREE, OF_BOTH = (0, "Position", 1), (2, "Modifier", 1), (2, "Modifier", 3)


def make_doc(entities: list[tuple[str, str]], arcs: Any) -> Doc:
    doc = Doc(VOCAB, words=[text for text, _ in entities])
    doc.ents = [Span(doc, i, i + 1, label) for i, (_, label) in enumerate(entities)]
    doc._.relations = [
        Relation(doc.ents[head], doc.ents[tail], label, 0.5) for head, label, tail in arcs
    ]
    return doc


def lines(records: list[Record]) -> list[str]:
    """Each record on a line, values in brackets."""

    def describe(record: Record) -> str:
        described = [
            f"{key}={describe(value)}"
            for key, values in record["values"].items()
            for value in values
        ]
        return record["text"] + (f"({' '.join(described)})" if described else "")

    return [describe(record) for record in records]


def test_values_of_values() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE])
    records = to_records(doc, ["Body"], inverse=["Modifier"])
    assert lines(records) == ["LAD(Position=proximal(Modifier=mild))", "LCX"]
    assert to_records(doc, ["Organ"]) == []


def test_what_is_related_to_a_central_entity_is_its_value_in_either_direction() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE])
    assert lines(to_records(doc, ["Place"])) == ["proximal(Position=LAD Modifier=mild)"]


def test_what_two_share_does_not_lead_from_one_to_the_other() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE, OF_BOTH])
    assert lines(to_records(doc, ["Body"], inverse=["Modifier"])) == [
        "LAD(Position=proximal(Modifier=mild))",
        "LCX(Modifier=mild)",
    ]
    doc = make_doc(FINDING, [(0, "beside", 3), (3, "Position", 1)])
    assert lines(to_records(doc, ["Body"])) == ["LAD(beside=LCX)", "LCX(Position=proximal)"]


def test_relations_may_go_round() -> None:
    arcs = [(0, "at", 1), (1, "of", 2), (2, "of", 1), (2, "of", 2)]
    assert lines(to_records(make_doc(FINDING, arcs), ["Body"])) == [
        "LAD(at=proximal(of=mild(of=proximal of=mild)))",
        "LCX",
    ]


def test_a_relation_that_needs_to_be_turned_is_told() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE])
    with pytest.warns(UserWarning) as warned:
        assert lines(to_records(doc, ["Body"])) == ["LAD(Position=proximal)", "LCX"]
    assert [str(warning.message) for warning in warned] == [
        "The relation 'Modifier' between a Degree and a Place is in no record, although the Place "
        "is in one. If the Degree is a value of the Place, add 'Modifier' to `inverse`."
    ]


def test_plain_data() -> None:
    doc = make_doc(FINDING, [POSITION])
    doc.ents[0]._.score = 0.75
    [first, second] = to_records(doc, ["Body"])
    place: Record = {
        "text": "proximal",
        "label": "Place",
        "start": 4,
        "end": 12,
        "score": 0.5,
        "values": {},
    }
    assert first == {
        "text": "LAD",
        "label": "Body",
        "start": 0,
        "end": 3,
        "score": 0.75,
        "values": {"Position": [place]},
    }
    assert second["score"] is None
    assert json.loads(json.dumps([first, second])) == [first, second]


def test_keys_are_made_by_a_template() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE])
    records = to_records(doc, ["Body"], inverse=["Modifier"], key="{head}的{label}")
    assert list(key_values(records)) == [
        ("LAD的Position", "proximal"),
        ("proximal的Modifier", "mild"),
    ]
    records = to_records(doc, ["Body"], inverse=["Modifier"], key="{head_label}.{tail_label}")
    assert list(key_values(records)) == [("Body.Place", "proximal"), ("Place.Degree", "mild")]


NEGATED = {"Assertion": "negated"}


def test_attributes_are_values() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE, (0, "beside", 3)])
    lad, proximal, _, lcx = doc.ents
    set_attributes(lad, {**NEGATED, "Of": "family"}, {"Assertion": 0.75, "Of": 0.5})
    for entity in (proximal, lcx):
        entity._.attributes = NEGATED
    records = to_records(doc, ["Body"], inverse=["Modifier"])
    # LCX has a record of its own, but as a value it is negated too.
    assert lines(records) == [
        "LAD(Position=proximal(Modifier=mild Assertion=negated) beside=LCX(Assertion=negated) "
        "Assertion=negated Of=family)",
        "LCX(Assertion=negated)",
    ]
    [negated] = records[0]["values"]["Assertion"]
    assert negated == {
        "text": "negated",
        "label": "Assertion",
        "start": None,
        "end": None,
        "score": 0.75,
        "values": {},
    }
    lad._.attributes = proximal._.attributes = {}
    lcx._.attributes = None
    without = to_records(doc, ["Body"], inverse=["Modifier"])
    assert lines(without) == ["LAD(Position=proximal(Modifier=mild) beside=LCX)", "LCX"]


def test_a_relation_may_have_the_key_of_an_attribute() -> None:
    doc = make_doc(FINDING, [(0, "Assertion", 1)])
    doc.ents[0]._.attributes = NEGATED
    [lad, _] = to_records(doc, ["Body"], key="{label}")
    assert [value["text"] for value in lad["values"]["Assertion"]] == ["proximal", "negated"]
    [lad, _] = to_records(doc, ["Body"], key="{head_label}.{label}")
    assert list(key_values([lad])) == [("Body.Assertion", "proximal"), ("Assertion", "negated")]


def test_a_value_that_goes_round_keeps_its_attributes() -> None:
    doc = make_doc(FINDING, [(0, "at", 1), (1, "of", 2), (2, "of", 1)])
    doc.ents[1]._.attributes = NEGATED
    [lad, _] = lines(to_records(doc, ["Body"]))
    assert lad == ("LAD(at=proximal(of=mild(of=proximal(Assertion=negated)) Assertion=negated))")


def test_records_are_left_out_by_attribute() -> None:
    doc = make_doc(FINDING, [POSITION, DEGREE, (0, "beside", 3)])
    for entity in doc.ents[1], doc.ents[3]:
        entity._.attributes = NEGATED

    def find(**exclude: list[str]) -> list[str]:
        return lines(to_records(doc, ["Body"], inverse=["Modifier"], exclude=exclude))

    lad = "LAD(Position=proximal(Modifier=mild Assertion=negated) beside=LCX(Assertion=negated))"
    assert find(Assertion=["possible"], Of=["family"]) == [lad, "LCX(Assertion=negated)"]
    # Values stay, whatever their attributes.
    assert find(Assertion=["possible", "negated"]) == [lad]
    doc.ents[0]._.attributes = {"Of": "family"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find(Assertion=["negated"], Of=["family"]) == []


@pytest.mark.parametrize("exclude", ["negated", ["negated"], {"Assertion": "negated"}])
def test_wrong_exclusions_are_refused(exclude: Any) -> None:
    with pytest.raises(ValueError) as raised:
        to_records(make_doc(FINDING, []), ["Body"], exclude=exclude)
    assert str(raised.value) == (
        "exclude: must be a dict with a list of values for each attribute, such as "
        f"{{'Assertion': ['negated']}}, got {exclude!r}."
    )


@pytest.mark.parametrize(
    "central, key, message",
    [
        ([], "{label}", "central: must be a list of entity types, got []."),
        ("Body", "{label}", "central: must be a list of entity types, got 'Body'."),
        (
            ["Body"],
            "{name}",
            "key: unknown field {name} in '{name}'. Use only {head}, {head_label}",
        ),
        (["Body"], "{}", "key: unknown field {} in '{}'. Use only"),
        (
            ["Body"],
            "{label",
            "key: '{label' is not a valid template: expected '}' before end of string.",
        ),
    ],
)
def test_wrong_settings_are_refused(central: Any, key: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        to_records(make_doc(FINDING, []), central, key=key)
    assert str(raised.value).startswith(message)


graphs = st.integers(1, 7).flatmap(
    lambda count: st.tuples(
        st.lists(st.booleans(), min_size=count, max_size=count),
        st.sets(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=12),
    )
)


@given(graphs)
@pytest.mark.filterwarnings("ignore:The relation 'r' between")
def test_records_by_ways_from_the_center(graph: Any) -> None:
    is_central, arcs = graph
    count = len(is_central)
    owned = [
        (tail, head) if is_central[tail] > is_central[head] else (head, tail) for head, tail in arcs
    ]

    def ways(root: int) -> dict[int, int]:
        """The shortest way to each entity, by trying all ways up to a length."""
        found, ends = {root: 0}, {root}
        for length in range(1, count):
            ends = {j for i, j in owned if i in ends and not is_central[j]}
            found = {**dict.fromkeys(ends, length), **found}
        return found

    def describe(place: int, steps: dict[int, int]) -> Any:
        values = []
        for owner, value in owned:
            if owner == place:
                is_farther = steps.get(value, -1) == steps[place] + 1
                values.append(describe(value, steps) if is_farther else (str(value), []))
        return str(place), sorted(values)

    def read(record: Record) -> Any:
        return record["text"], sorted(map(read, record["values"].get("r", [])))

    entities = [(str(i), "Central" if central else "Other") for i, central in enumerate(is_central)]
    doc = make_doc(entities, [(i, "r", j) for i, j in arcs])
    roots = [i for i in range(count) if is_central[i]]
    assert list(map(read, to_records(doc, ["Central"]))) == [describe(i, ways(i)) for i in roots]


# In a pipeline


@pytest.fixture
def nlp() -> Language:
    nlp = spacy.blank("en")
    patterns = [{"label": label, "pattern": text} for text, label in FINDING]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    nlp.add_pipe("str_records", config={"central": ["Body"], "key": "{head}: {label}"})
    return nlp


def relate(doc: Doc) -> Doc:
    doc._.relations = [Relation(doc.ents[0], doc.ents[1], "Position")]
    return doc


EXPECTED = ["LAD(LAD: Position=proximal)", "LCX"]


def test_settings_are_saved_with_the_pipeline(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    doc = relate(spacy.load(tmp_path)("LAD proximal mild LCX"))
    assert lines(doc._.records) == EXPECTED


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    return next(iter(DocBin().from_bytes(data).get_docs(VOCAB)))


def through_bytes(doc: Doc) -> Doc:
    return Doc(VOCAB).from_bytes(doc.to_bytes())


def through_from_docs(doc: Doc) -> Doc:
    other = doc.vocab
    joined = Doc.from_docs([Doc(other, words=["Report"]), doc])
    assert joined is not None
    return joined


def through_as_doc(doc: Doc) -> Doc:
    return doc[:].as_doc(copy_user_data=True)


@pytest.mark.parametrize(
    "carry", [through_docbin, through_bytes, Doc.copy, through_as_doc, through_from_docs]
)
def test_records_stay_with_the_doc(nlp: Language, carry: Any) -> None:
    doc = carry(relate(nlp("LAD proximal mild LCX")))
    assert lines(doc._.records) == EXPECTED
    # They are those of the relations that it has now.
    doc._.relations = []
    assert lines(doc._.records) == ["LAD", "LCX"]


def test_names_that_no_component_predicts_are_told(nlp: Language, make_nlp: MakeNlp) -> None:
    with pytest.warns(UserWarning) as caught:
        nlp.add_pipe("str_records", "others", config={"central": ["Vessel", "Body"]})
    [warning] = caught
    assert "others: no component of this pipeline predicts Vessel, listed in `central`" in str(
        warning.message
    )
    assert "The pipeline predicts Body, Degree, Place." in str(warning.message)
    # Labels are not known before training.
    trained = make_nlp()
    settings = {"central": ["BodyPart"], "inverse": ["Modifer"]}
    trained.add_pipe("str_records", config=settings)
    with pytest.warns(UserWarning, match="predicts Modifer, listed in `inverse`"):
        trained.initialize(lambda: make_examples(trained))


@Language.component("negates_all", assigns=["span._.attributes"])
def negates_all(doc: Doc) -> Doc:
    for entity in doc.ents:
        entity._.attributes = NEGATED
    return doc


EXCLUDE = {"central": ["Body"], "exclude": {"Assertion": ["negated", "posible"]}}


def test_attributes_that_no_component_predicts_are_told(nlp: Language, make_nlp: MakeNlp) -> None:
    with pytest.warns(UserWarning, match="others: no component of this pipeline predicts attribut"):
        nlp.add_pipe("str_records", "others", config=EXCLUDE)
    # Its labels are not known.
    nlp.add_pipe("negates_all", before="str_records")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.add_pipe("str_records", "more", config=EXCLUDE)
    trained = make_nlp()
    attr: Any = trained.add_pipe("str_attr")
    attr.add_label("Assertion", "negated", ["Body"])
    with pytest.warns(UserWarning, match="predicts Assertion=posible, listed in `exclude`"):
        trained.add_pipe("str_records", config=EXCLUDE)


def test_excluded_values_are_saved_with_pipeline_and_doc(nlp: Language, tmp_path: Path) -> None:
    nlp.remove_pipe("str_records")
    nlp.add_pipe("negates_all")
    nlp.add_pipe("str_records", config=EXCLUDE)
    nlp.to_disk(tmp_path)
    doc = spacy.load(tmp_path)("LAD proximal mild LCX")
    assert through_docbin(doc)._.records == doc._.records == []
    # The entities are still there.
    assert len(doc.ents) == 4
    doc.ents[0]._.attributes = {}
    assert lines(doc._.records) == ["LAD"]


def test_a_span_group_that_is_not_read_is_told(make_nlp: MakeNlp) -> None:
    for settings, owner in (
        ({"spans_key": "sc"}, "str_rel"),
        ({"ner": {"spans_key": "sc"}}, "str_ner"),
    ):
        nlp = make_nlp(**settings)
        if owner == "str_ner":
            nlp.remove_pipe("str_rel")
        with pytest.warns(UserWarning, match=f"but those of {owner} are in doc.spans"):
            nlp.add_pipe("str_records", config={"central": ["Body"]})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nlp.add_pipe("str_records", "other", config={"central": ["Body"], "spans_key": "sc"})


def test_central_entities_may_overlap() -> None:
    doc = make_doc(FINDING, [])
    outer, inner, same = Span(doc, 0, 2, "Body"), Span(doc, 0, 1, "Body"), Span(doc, 0, 1, "Site")
    doc.spans["sc"] = [outer, inner, same, value := Span(doc, 2, 3, "Degree")]
    for i, span in enumerate([outer, inner, same]):
        span._.score = i / 4
    doc._.relations = [
        Relation(inner, value, "r"),
        Relation(same, value, "s"),
        Relation(same, outer, "t"),
    ]
    records = to_records(doc, ["Body", "Site"], spans_key="sc")
    assert [(each["end"], each["label"], each["score"]) for each in records] == [
        (3, "Body", 0.25),
        (3, "Site", 0.5),
        (12, "Body", 0.0),
    ]
    assert lines(records) == ["LAD(r=mild)", "LAD(t=LAD proximal s=mild)", "LAD proximal"]


def test_wrong_settings_are_refused_in_the_config() -> None:
    with pytest.raises(ValueError, match="must be a list of entity types"):
        spacy.blank("en").add_pipe("str_records", config={"central": []})


def test_without_settings_there_is_an_error_that_tells_what_to_do() -> None:
    with pytest.raises(ValueError, match="Add a 'str_records' to the end of the pipeline"):
        make_doc(FINDING, [])._.records  # noqa: B018
