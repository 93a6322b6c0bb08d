"""The recipes of docs/recipes.md, for attributes of entities from rules, and that for Prodigy."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from scripts.recipes.check_context import read_sentence as read_marked
from scripts.recipes.context import FLAGS
from scripts.recipes.cues import read_cues
from spacy_str_encoder.evaluation import evaluate

from .reduced_project import ROOT

CUES = ROOT / "assets" / "cues"
DEFAULTS = {"Assertion": "present"}

CHINESE = [
    # Lists of negated findings.
    "患者无[发热=negated]。",
    "无[尿频=negated]、[尿急=negated]、[尿痛=negated]，无[腹痛=negated]，今来就诊。",
    "无[恶心=negated]及[呕吐=negated]，[食欲]可。",
    "否认[胸痛=negated]或[晕厥=negated]；有[咳嗽]。",
    "不伴[畏寒=negated]和[寒战=negated]，伴[头晕]。",
    "无[心慌=negated][气短=negated]，[睡眠]欠佳。",
    "无双下肢[水肿=negated]，伴[乏力]。",
    "断端未见[肿瘤=negated]，周围有[纤维化]。",
    "肝脏未见明显[异常=negated]。脾脏[增大]。",
    "未再[抽搐=negated]，但仍有[头痛]。",
    "没有[黑便=negated]，大便带[血丝]。",
    "术后未出现[感染=negated]；切口[疼痛]。",
    # A clause ends a scope, as do words that begin one.
    "无[黄疸=negated]，[腹胀]三天。",
    "无[咳嗽=negated]但有[咳痰]。",
    "未见[结石=negated]\n胆囊[息肉]",
    "无[皮疹=negated]；[瘙痒]明显。",
    "偶有[胸闷]，无[心悸=negated]。",
    # After the entity.
    "右肺[结节]，肝区[肿块=negated]未触及。",
    "用药后[皮疹=negated]已消失，[瘙痒]仍在。",
    "[肠梗阻=negated]已排除，[便秘]好转。",
    # Longer words that are no cues.
    "无明显诱因出现[腹痛]，伴[腹泻]。",
    "无诱因[胸痛]两天。",
    "体检时无意中发现[肿块]。",
    "经治疗后无好转，[咳嗽]加重。",
    "发现无痛性[包块]一月。",
    "患者无法耐受[疼痛]。",
    "未及时就诊，[喘憋]加重。",
    "四肢[无力]、[麻木]。",
    "月经规律，无[痛经=negated]。",
    # Possible.
    "考虑[肺炎=possible]，予抗感染。",
    "肾脏[囊肿]，考虑[出血=possible]可能，无[积水=negated]。",
    "[胃癌=possible]？建议胃镜。",
    "肝内[占位]，[血管瘤=possible]？[肝囊肿=possible]？",
    "右上肺[结核=possible]待排。",
    "脾脏[梗死=possible]不除外，未见[出血=negated]。",
    "疑似[阑尾炎=possible]，伴[发热]。",
    "查头颅磁共振了解有无[出血=possible]。",
    "[卵巢囊肿=possible]可能性大。",
    # The family.
    "父亲患[高血压=family]，母亲患[乳腺癌=family]，患者有[哮喘]。",
    "家族史：外祖父有[胃癌=family]。既往有[痛风]。",
    "有[糖尿病=family]家族史。",
    "母亲无[结核=negated,family]。",
]
ENGLISH = [
    "He denies [fever=negated], [chills=negated] or [cough=negated].",
    "No [chest pain=negated]; mild [dyspnea].",
    "No [nausea=negated] but [vomiting] twice.",
    "There is no evidence of [metastasis=negated].",
    "She did not have [headache=negated] and has [fatigue].",
    "Patient without [edema=negated]. [Rash] on both arms.",
    "He doesn't report [diarrhea=negated].",
    "Negative for [pneumothorax=negated].",
    "[Fracture=negated] was ruled out.",
    "NO [FEVER=negated]",
    "Possible [pneumonia=possible] in the left lobe.",
    "The lesion may represent an [abscess=possible].",
    "Cannot rule out [stroke=possible].",
    "CT to rule out [appendicitis=possible].",
    "[Pulmonary embolism=possible]?",
    "[Infection=possible] is suspected.",
    "Mother had [breast cancer=family] and [diabetes=family]. She has [asthma].",
    "Family history of [stroke=family]; no [hypertension=negated].",
    "Father without [gout=negated,family].",
    "No change of the [nodule] since May.",
    "Gram negative [sepsis] with [fever].",
    "[Cough], worse at night, with [wheezing].",
]


def make_rules(language: str, **config: Any) -> Language:
    nlp = spacy.blank("zh" if language == "chinese" else "en")
    path = str(CUES / f"{language}.jsonl")
    nlp.add_pipe("cue_attributes", config={"path": path, "defaults": DEFAULTS, **config})
    return nlp


def read_sentence(nlp: Language, sentence: str) -> tuple[Doc, list[dict[str, str]]]:
    """RETURNS (tuple[Doc, list[dict[str, str]]]): A doc with entities, and the expected values."""
    text, expected = read_marked(sentence)
    doc = nlp.make_doc(text["text"])
    places = [(each["start"], each["end"], each["label"]) for each in text["entities"]]
    doc.set_ents([doc.char_span(*place) for place in places])
    return doc, [DEFAULTS | values for values in expected]


def values_of(doc: Doc) -> list[dict[str, str] | None]:
    return [entity._.attributes for entity in doc.ents]


@pytest.fixture(scope="module")
def rules() -> Callable[[str], Language]:
    made = {language: make_rules(language) for language in ("chinese", "english")}
    return made.__getitem__


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("chinese", each) for each in CHINESE] + [("english", each) for each in ENGLISH],
)
def test_sentences(rules: Callable[[str], Language], language: str, sentence: str) -> None:
    nlp = rules(language)
    doc, expected = read_sentence(nlp, sentence)
    assert values_of(nlp(doc)) == expected


def test_cues_are_what_makes_the_difference(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n", "utf-8")
    nlp = make_rules("chinese", path=str(tmp_path / "none.jsonl"))
    doc, _ = read_sentence(nlp, "无[发热=negated]，无[咳嗽]。")
    assert values_of(nlp(doc)) == [DEFAULTS, DEFAULTS]
    without = spacy.blank("zh")
    without.add_pipe("cue_attributes", config={"path": str(tmp_path / "none.jsonl")})
    assert values_of(without(doc)) == [DEFAULTS, DEFAULTS]
    assert values_of(without(read_sentence(without, "[发热]")[0])) == [{}]


def test_docs_without_tokens_or_entities(rules: Callable[[str], Language]) -> None:
    nlp = rules("chinese")
    assert [len(nlp(text).ents) for text in ("", "未见异常。", "\n")] == [0, 0, 0]


def test_overlapping_entities_of_a_span_group() -> None:
    nlp = make_rules("chinese", spans_key="sc", types=["Finding"])
    doc = nlp.make_doc("发现无痛性肿块，无腹痛。")
    places = [
        (2, 7, "Finding"),
        (5, 7, "Finding"),
        (5, 7, "Word"),
        (9, 11, "Finding"),
        (10, 11, "Finding"),
        (8, 9, "Word"),
    ]
    doc.spans["sc"] = [doc.char_span(*place) for place in places]
    negated = {"Assertion": "negated"}
    # The first 无 is a part of an entity. Entities of other types have no attributes, and are cues.
    expected = [DEFAULTS, DEFAULTS, {}, negated, negated, {}]
    assert [span._.attributes for span in nlp(doc).spans["sc"]] == expected
    assert [span._.attributes for span in nlp(nlp.make_doc("发热")).spans.get("sc", [])] == []


@Language.factory("find_all", assigns=["doc.ents"], default_config={"spans_key": None})
def make_find_all(nlp: Language, name: str, spans_key: str | None) -> Callable[[Doc], Doc]:
    """Stands for `str_ner`, which has the same settings."""
    return lambda doc: doc


OTHER_PLACES = [
    ("find_all", "sc", None, "doc.ents", "doc.spans['sc']"),
    ("find_all", None, "sc", "doc.spans['sc']", "doc.ents"),
    ("span_ruler", "ruler", "sc", "doc.spans['sc']", "doc.spans['ruler']"),
]


@pytest.mark.parametrize(("finder", "found", "read", "place", "other"), OTHER_PLACES)
def test_entities_in_another_place_are_told(
    finder: str, found: str | None, read: str | None, place: str, other: str, tmp_path: Path
) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe(finder, config={"spans_key": found})
    config = {"path": str(CUES / "chinese.jsonl"), "spans_key": read}
    message = re.escape(
        f"cue_attributes reads entities from {place}, but those of {finder} are in {other}, where "
        f"they get no attributes. Set spans_key of cue_attributes to that of {finder}."
    )
    with pytest.warns(UserWarning, match=message):
        nlp.add_pipe("cue_attributes", config=config)
    nlp.to_disk(tmp_path / "saved")
    with pytest.warns(UserWarning, match=message):
        spacy.load(tmp_path / "saved")


@pytest.mark.parametrize(
    ("finders", "read"),
    [
        ({"find_all": {}}, None),
        ({"find_all": {"spans_key": "sc"}}, "sc"),
        ({"find_all": {"spans_key": "sc"}, "span_ruler": {"spans_key": "ruler"}}, "ruler"),
        # These have no such setting: whoever adds them knows where their entities are.
        ({"entity_ruler": {}}, None),
        ({}, "sc"),
    ],
)
def test_entities_in_the_same_place_need_no_warning(
    finders: dict[str, dict[str, str]], read: str | None, recwarn: pytest.WarningsRecorder
) -> None:
    nlp = spacy.blank("zh")
    for finder, config in finders.items():
        nlp.add_pipe(finder, config=config)
    config = {"path": str(CUES / "chinese.jsonl"), "spans_key": read}
    nlp.add_pipe("cue_attributes", config=config)
    assert [str(each.message) for each in recwarn if "entities" in str(each.message)] == []


def test_the_nearest_cue_wins(rules: Callable[[str], Language]) -> None:
    nlp = rules("chinese")
    for sentence in (
        "无发热考虑[感冒=possible]。",
        "考虑无[感染=negated]。",
        "疑似[肺炎=possible]双侧未触及。",
        "无[肿块=negated]？",
    ):
        doc, expected = read_sentence(nlp, sentence)
        assert values_of(nlp(doc)) == expected, sentence


def test_attributes_of_other_names_stay(rules: Callable[[str], Language]) -> None:
    nlp = rules("chinese")
    doc, _ = read_sentence(nlp, "无[发热]。")
    doc.ents[0]._.attributes = {"Time": "past", "Assertion": "possible", "Experiencer": "family"}
    assert values_of(nlp(doc)) == [{"Time": "past", "Assertion": "negated"}]


def test_entities_of_other_types_lose_the_attributes_that_are_set() -> None:
    nlp = make_rules("chinese", types=["Disease"])
    doc, _ = read_sentence(nlp, "无[发热]。")
    doc.ents[0]._.attributes = {"Time": "past", "Assertion": "possible"}
    assert values_of(nlp(doc)) == [{"Time": "past"}]


def test_line_breaks_can_be_ignored() -> None:
    sentence = "No fever, chills\nor [cough=negated]."
    for line_ends in (True, False):
        nlp = make_rules("english", line_ends=line_ends)
        doc, [negated] = read_sentence(nlp, sentence)
        assert values_of(nlp(doc)) == [DEFAULTS if line_ends else negated]


CUE = '{"cue": "无", "attribute": "Assertion", "value": "negated", "scope": "after"}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            CUE.replace("after", "left"),
            "'scope' must be one of after, before, end, none, got 'left'",
        ),
        (CUE.replace('"after"', "3"), "'scope' must be a string that is not blank, got 3"),
        (CUE.replace("无", " "), "'cue' must be a string that is not blank, got ' '"),
        (CUE.replace('"value": "negated", ', ""), "the scope 'after' must have a 'value'"),
        (CUE.replace("after", "none"), "the scope 'none' can't have a 'attribute'"),
        (CUE.replace("after", "end"), "the scope 'end' can't have a 'value'"),
        (CUE.replace('"value"', '"values"'), "unknown field 'values': the fields are cue, scope"),
        ('{"cue": "无"}', "the field 'scope' is missing"),
        ('["无"]', "not a JSON object"),
        ("无", "not JSON"),
    ],
)
def test_bad_lines_are_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cues.jsonl"
    path.write_text(f"{CUE}\n\n{line}\n", "utf-8")
    with pytest.raises(
        ValueError, match=re.escape(f"{path}, line 3: ") + ".*" + re.escape(message)
    ):
        make_rules("chinese", path=str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    nlp = make_rules("chinese", path=str(tmp_path / "missing.jsonl"))
    for use in (nlp, lambda text: nlp.to_disk(tmp_path / "saved")):
        with pytest.raises(ValueError, match=r"cue_attributes: .*missing\.jsonl: no such file"):
            use("无发热")


@pytest.mark.parametrize("language", ["chinese", "english"])
def test_shipped_cues_are_different_and_tokens(language: str) -> None:
    cues = read_cues(CUES / f"{language}.jsonl")
    assert len(cues) == len({*cues})
    nlp = make_rules(language)
    for cue in cues:
        [match] = nlp.get_pipe("cue_attributes").find_cues(nlp.make_doc(f"{cue.cue} x"), [])  # type: ignore[attr-defined]
        assert cue in match.cues


def test_a_saved_pipeline_holds_its_cues(tmp_path: Path) -> None:
    path = tmp_path / "cues.jsonl"
    path.write_text(f"\ufeff{CUE}\n", "utf-8")
    nlp = make_rules("chinese", path=str(path))
    nlp.to_disk(tmp_path / "saved")
    path.unlink()
    loaded = spacy.load(tmp_path / "saved")
    docs = [read_sentence(nlp, "无[发热=negated]。")[0] for _ in range(4)]
    for doc in loaded.pipe(docs, n_process=2):
        assert values_of(doc) == [{"Assertion": "negated"}]


def make_gold(nlp: Language) -> list[Doc]:
    """Three texts whose attributes are annotated, one of them not as the cues say."""
    docs = []
    for sentence in ("无[发热=negated]。", "考虑[肺炎=possible]。", "无[咳嗽=possible]。"):
        doc, expected = read_sentence(nlp, sentence)
        for entity, values in zip(doc.ents, expected, strict=True):
            entity._.attributes = values
        docs.append(doc)
    return docs


def test_rules_are_scored_like_other_pipelines(rules: Callable[[str], Language]) -> None:
    nlp = rules("chinese")
    gold = make_gold(nlp)
    report = evaluate(nlp, gold)
    assert report["model"]["attributes_gold_entities"]["strict"]["micro"]["f"] == pytest.approx(
        2 / 3
    )
    examples = []
    for doc in gold:
        predicted = nlp.make_doc(doc.text)
        predicted.set_ents([Span(predicted, e.start, e.end, e.label) for e in doc.ents])
        examples.append(Example(predicted, doc))
    scores = nlp.evaluate(examples)
    assert scores["attrs_f"] == pytest.approx(2 / 3)
    assert scores["attrs_per_type"]["Assertion=negated"]["r"] == 1


def test_what_context_found_is_copied() -> None:
    for flag in FLAGS:
        Span.set_extension(flag, default=False)
    try:
        nlp = spacy.blank("en")
        nlp.add_pipe("context_attributes", config={"defaults": DEFAULTS})
        doc, _ = read_sentence(nlp, "[Asthma], [fever], [gout].")
        asthma, fever, _ = doc.ents
        asthma._.is_uncertain = asthma._.is_negated = asthma._.is_family = True
        fever._.is_hypothetical = fever._.is_historical = True
        fever._.attributes = {"Severity": "mild", "Assertion": "negated"}
        assert values_of(nlp(doc)) == [
            {"Assertion": "negated", "Experiencer": "family"},
            {"Severity": "mild", "Assertion": "present", "Time": "hypothetical"},
            {"Assertion": "present"},
        ]
    finally:
        for flag in FLAGS:
            Span.remove_extension(flag)
    with pytest.raises(ValueError, match="add the component medspacy_context before this one"):
        nlp("fever")


def test_prodigy_shows_tasks_with_low_scores_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "label_studio.md").read_text("utf-8")
    [code] = re.findall(
        r"^```python correct_relations.py\n(.*?)^```", page, re.DOTALL | re.MULTILINE
    )
    # Prodigy can't be installed here. Its decorator registers a function under a name.
    prodigy = ModuleType("prodigy")
    prodigy.recipe = lambda name, **arguments: lambda function: function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "prodigy", prodigy)
    names: dict[str, Any] = {}
    exec(code, names)
    texts = [("sure", 0.9), ("unsure", 0.2), ("nothing found", None)]
    tasks = [{"text": t, **({} if score is None else {"score": score})} for t, score in texts]
    srsly.write_jsonl(path := tmp_path / "tasks.jsonl", tasks)
    recipe = names["correct_relations"]("reports", path, "Position,With", "BodyPart")
    assert [task["text"] for task in recipe["stream"]] == ["unsure", "sure", "nothing found"]
    assert (recipe["dataset"], recipe["view_id"]) == ("reports", "relations")
    assert recipe["config"]["labels"] == ["Position", "With"]
    assert recipe["config"]["relations_span_labels"] == ["BodyPart"]
