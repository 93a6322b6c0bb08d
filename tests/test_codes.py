"""Codes of entities: how docs keep them, how terminologies are read and saved, and which codes are
found."""

import copy
import gzip
import math
import pickle
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pyarrow
import pyarrow.parquet
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from scripts.code_matches import KINDS, Variant, find_codes, read_rows
from scripts.code_matches import make_nlp as make_finder
from spacy_str_encoder import get_codes, set_attributes, set_codes
from spacy_str_encoder.doc.codes import Code
from spacy_str_encoder.files.terminologies import read_terms
from spacy_str_encoder.pipeline.str_codes import CodeFinder
from spacy_str_encoder.terminology import fuzzy, normal_form
from spacy_str_encoder.terminology.matcher import Matcher
from spacy_str_encoder.terminology.normal_form import NormalForms, find_simplified, make_key
from spacy_str_encoder.terminology.opposites import may_be_same
from spacy_str_encoder.terminology.strings import PackedStrings
from spacy_str_encoder.terminology.terminology import Terminology

from .pipelines import ANNOTATIONS, MakeNlp, make_examples, with_entities

ROWS = [
    ("V1", "vessels", "左前降支"),
    ("V1", "vessels", "LAD"),
    ("V2", "vessels", "右冠状动脉"),
    ("V2", "vessels", "right coronary artery"),
    ("V3", "vessels", "第一对角支开口"),
    ("V4", "vessels", "第二对角支开口"),
    ("V5", "vessels", "RCA"),
    ("V2", "vessels", "RCA"),
    ("X9", "others", "LAD"),
]
LAD: Code = {"code": "V1", "system": "vessels", "display": "左前降支", "score": 1.0}
FOUND: Code = {"code": "F1", "system": "findings", "display": "发热", "score": 0.75}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "terms.csv", ROWS)


def write_csv(path: Path, rows: list[tuple[str, str, str]], separator: str = ",") -> Path:
    lines = [separator.join(row) for row in [("code", "system", "term"), *rows]]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def make(table: Path) -> Callable[..., Language]:
    """Builds a pipeline that finds the codes of the table."""

    def build(patterns: list[dict[str, str]] | None = None, **config: Any) -> Language:
        nlp = spacy.blank("zh")
        if patterns is not None:
            nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
        nlp.add_pipe("str_codes", config=config)
        with pytest.warns(UserWarning, match="repeats 1 term for another code"):
            read(nlp, table)
        return nlp

    return build


def read(nlp: Language, path: Path) -> None:
    nlp.get_pipe("str_codes").initialize(nlp=nlp, path=path)  # type: ignore[attr-defined]


def find(nlp: Language, text: str) -> tuple[str, list[Code]]:
    """The codes of a text that is an entity."""
    doc = nlp.make_doc(text)
    doc.set_ents([Span(doc, 0, len(doc), "Term")])
    [entity] = nlp(doc).ents
    return entity.kb_id_, entity._.codes


def codes_of(nlp: Language, text: str) -> list[str]:
    return [each["code"] for each in find(nlp, text)[1]]


def make_doc() -> Doc:
    doc = Doc(Vocab(), words=["no", "fever", "and", "cough"])
    doc.ents = [Span(doc, 1, 2, "Finding"), Span(doc, 3, 4, "Finding")]
    return doc


# In docs.


def test_not_looked_for_differs_from_none() -> None:
    fever, cough = make_doc().ents
    assert get_codes(fever) is None
    fever._.codes = [FOUND]
    set_codes(cough, [])
    assert (fever._.codes, cough._.codes) == ([FOUND], [])
    fever._.codes = None
    assert fever._.codes is None


def test_codes_belong_to_an_entity_with_its_label() -> None:
    doc = make_doc()
    set_codes(doc.ents[0], [FOUND])
    assert get_codes(Span(doc, 1, 2, "Symptom")) is None


@pytest.mark.parametrize(
    "codes",
    [
        "F1",
        FOUND,
        1,
        ["F1"],
        [{**FOUND, "code": ""}],
        [{**FOUND, "display": None}],
        [{**FOUND, "score": math.nan}],
        [{**FOUND, "score": 1.5}],
        [{**FOUND, "score": "1"}],
        [{"code": "F1"}],
    ],
)
def test_what_is_no_list_of_codes_is_refused(codes: Any) -> None:
    with pytest.raises(ValueError, match="Codes must be a list of dicts"):
        make_doc().ents[0]._.codes = codes


@pytest.mark.parametrize(
    "carry",
    [
        lambda doc: next(
            DocBin()
            .from_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes())
            .get_docs(Vocab())
        ),
        lambda doc: Doc(Vocab()).from_bytes(doc.to_bytes()),
        lambda doc: doc[1:].as_doc(copy_user_data=True),
        lambda doc: Doc.from_docs([Doc(doc.vocab, words=["Before"]), doc]),
        lambda doc: doc.copy(),
    ],
    ids=["DocBin", "bytes", "cut", "joined", "copy"],
)
def test_codes_stay_with_their_entity(carry: Callable[[Doc], Doc]) -> None:
    doc = make_doc()
    doc.ents[0]._.codes = [FOUND]
    for token in doc.ents[0]:
        token.ent_kb_id_ = "F1"
    fever, cough = carry(doc).ents
    assert (fever.text, fever.kb_id_, fever._.codes) == ("fever", "F1", [FOUND])
    assert (cough.kb_id_, cough._.codes) == ("", None)


# Normal forms.


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("ＬＡＤ", "lad"),
        ("L.A.D.", "LAD"),
        ("左前降支（ＬＡＤ）", "左前降支 LAD"),
        ("non-ST elevation", "Non ST-Elevation"),
        ("right  coronary\u3000artery", "rightcoronaryartery"),
        ("30－40％", "30 - 40%"),
        ("St. Jude", "st jude"),
        ("Ⅱ型", "II 型"),
        ("ß", "SS"),
        ("“支架内”", "支架内"),
        ("HBsAg−", "HBsAg-"),
        ("−5", "-5"),
        ("T -2.5", "T (－2.5)"),
        ("30%-40%", "30% 40%"),
        ("0°-90°", "0° 90°"),
        ("CA-125", "CA 125"),
        ("C#", "C"),
        ("1/2", "1:2"),
    ],
)
def test_what_makes_no_difference(text: str, same: str) -> None:
    form = NormalForms({})
    assert make_key(form(text)) == make_key(form(same)) != ""


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("1.5 mm", "15 mm"),
        ("30-40", "3040"),
        ("ER(+)", "ER(-)"),
        ("HBsAg-", "HBsAg"),
        ("-5", "5"),
        ("-5", "+5"),
        ("T=-2.5", "T=2.5"),
        ("T值 -2.5", "T值 2.5"),
        ("-5-10", "5-10"),
        ("AB+", "AB"),
        ("1/2", "12"),
        ("50%", "50"),
        ("2.5", "2-5"),
    ],
)
def test_what_makes_a_difference(text: str, other: str) -> None:
    form = NormalForms({})
    assert make_key(form(text)) != make_key(form(other))


@given(text=st.text())
def test_the_form_of_a_form_is_the_same(text: str) -> None:
    form = NormalForms({})
    assert form(form(text)) == form(text)


@given(strings=st.lists(st.text()))
def test_packed_strings_are_the_same(strings: list[str]) -> None:
    strings = [each.encode(errors="replace").decode() for each in strings]
    packed = PackedStrings.pack(strings)
    assert [*packed] == [packed[i] for i in range(len(packed))] == strings


@pytest.fixture
def opencc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library that knows two characters."""

    class OpenCC:
        def __init__(self, config: str) -> None:
            assert config == "t2s"

        def convert(self, text: str) -> str:
            return text.replace("脈", "脉").replace("狀", "状")

    module = ModuleType("opencc")
    module.OpenCC = OpenCC  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opencc", module)
    monkeypatch.setattr(normal_form, "find_spec", lambda name: name == "opencc")
    find_simplified.cache_clear()
    yield
    find_simplified.cache_clear()


def test_traditional_characters_match_without_opencc_once_the_terminology_was_read_with_it(
    make: Callable[..., Language], opencc: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make().to_disk(tmp_path / "model")
    monkeypatch.setattr(normal_form, "find_spec", lambda name: None)
    find_simplified.cache_clear()
    nlp = spacy.load(tmp_path / "model")
    _, [code] = find(nlp, "右冠狀動脈".replace("動", "动"))
    assert (code["code"], code["score"]) == ("V2", 1.0)


def test_without_opencc_traditional_characters_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal_form, "find_spec", lambda name: None)
    find_simplified.cache_clear()
    assert find_simplified() == {}
    find_simplified.cache_clear()


# Matches.


def test_the_display_is_the_first_term_of_a_code(make: Callable[..., Language]) -> None:
    other: Code = {"code": "X9", "system": "others", "display": "LAD", "score": 1.0}
    # Both have the term, and the first one comes first in the table.
    assert find(make(fuzzy=False), "ＬＡＤ") == ("V1", [LAD, other])


def test_all_codes_of_a_term_are_told_in_the_order_of_the_table(
    make: Callable[..., Language],
) -> None:
    kb_id, codes = find(make(max_codes=1), "rca")
    assert (kb_id, [(each["code"], each["score"]) for each in codes]) == (
        "V5",
        [("V5", 1.0), ("V2", 1.0)],
    )


@pytest.mark.parametrize("codes", [["V1", "V2", "V3"], ["V1", "V2", "V1"], ["V1", "V1", "V2"]])
def test_a_term_of_several_codes_is_counted_once(codes: list[str], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("str_codes")
    rows = [*((code, "s", "lad") for code in codes), ("V4", "s", "rca"), ("V4", "t", "lad")]
    with pytest.warns(UserWarning, match="repeats 1 term for another code of the same"):
        read(nlp, write_csv(tmp_path / "a.csv", rows))


def test_terms_of_several_codes_of_a_system_are_told_when_they_are_read(table: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_codes")
    with pytest.warns(UserWarning, match=r"repeats 1 term .*'rca' \(codes V5, V2\)"):
        read(nlp, table)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("right coronary artry", "V2"),
        ("artery, right coronary", "V2"),
        ("右冠状动脉处", "V2"),
        # Another number, another side, an abbreviation, and nothing like it.
        ("第三对角支开口", None),
        ("left coronary artery", None),
        ("RCB", None),
        ("心肌", None),
        ("。", None),
    ],
)
def test_similar_terms(make: Callable[..., Language], text: str, code: str | None) -> None:
    kb_id, codes = find(make(), text)
    assert (kb_id or None) == code
    assert (codes[0]["code"] if codes else None) == code
    assert all(0.85 <= each["score"] < 1 for each in codes)
    assert find(make(fuzzy=False), text) == ("", [])


def test_the_score_is_the_share_of_characters_in_order(make: Callable[..., Language]) -> None:
    _, [code] = find(make(), "右冠状动脉处")
    # Five of the six characters, and all five of the term.
    assert code["score"] == pytest.approx(2 * 5 / (6 + 5))
    assert find(make(threshold=0.92), "右冠状动脉处") == ("", [])


def test_the_best_ones_come_first_up_to_a_maximum(tmp_path: Path) -> None:
    terms = ["abcdefghijx", "abcdefghijk", "abcdefghixk", "abcdefghijkx", "zbcdefghij"]
    rows = [(f"C{i}", "s", term) for i, term in enumerate(terms)]
    nlp = spacy.blank("en")
    config = {"threshold": 0.7, "max_codes": 3}
    nlp.add_pipe("str_codes", config=config)
    read(nlp, write_csv(tmp_path / "a.csv", rows))
    # Without one letter, with another last one, and two of the same score.
    assert codes_of(nlp, "abcdefghijky") == ["C1", "C3", "C0"]
    nlp.get_pipe("str_codes").cfg["max_codes"] = 1
    assert codes_of(nlp, "abcdefghijkx") == ["C3"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1型糖尿病", "2型糖尿病", False),
        ("i型", "ii型", False),
        ("stage iv", "stage v", False),
        ("a v node", "av node", True),
        ("first branch", "second branch", False),
        ("左肾", "右肾", False),
        ("左前降支", "前降支", True),
        ("er +", "er \u2212", False),
        ("有血流", "无血流", False),
        ("stage 2.5", "2.5 stage", True),
        ("left knee", "knee", True),
        ("hypotension", "hypertension", False),
        ("hypothyroidism", "hyperthyroidism", False),
        ("hypokalemia", "hyperkalemia", False),
        ("familial hypo lipidemia", "familial hyperlipidemia", False),
        ("bradycardia", "tachycardia", False),
        ("preoperative blood pressure", "postoperative blood pressure", False),
        ("intracranial pressure", "extracranial pressure", False),
        ("anterolateral infarction", "posterolateral infarction", False),
        ("acute renal failure", "chronic renal failure", False),
        ("subacute thyroiditis", "acute thyroiditis", False),
        ("benign neoplasm of colon", "malignant neoplasm of colon", False),
        ("increased white cells", "decreased white cells", False),
        ("increase in heart rate", "decrease in heart rate", False),
        ("systolic heart failure", "diastolic heart failure", False),
        ("inferior vena cava", "superior vena cava", False),
        ("anterior wall", "posterior wall", False),
        ("proximal segment", "distal segment", False),
        ("male infertility", "female infertility", False),
        ("primary hypertension", "secondary hypertension", False),
        ("unilateral hernia", "bilateral hernia", False),
        ("慢性肾功能衰竭", "急性肾功能衰竭", False),
        ("亚急性甲状腺炎", "急性甲状腺炎", False),
        ("低甘油三酯血症", "高甘油三酯血症", False),
        ("结肠良性肿瘤", "结肠恶性肿瘤", False),
        ("白细胞增多", "白细胞减少", False),
        ("升主动脉瘤", "降主动脉瘤", False),
        ("收缩性心力衰竭", "舒张性心力衰竭", False),
        ("快速型心房颤动", "慢速型心房颤动", False),
        ("窦性心动过速", "窦性心动过缓", False),
        ("类风湿因子阳性", "类风湿因子阴性", False),
        ("近段支架", "远段支架", False),
        ("左前降支", "左后降支", False),
        ("肺上叶恶性肿瘤", "肺中叶恶性肿瘤", False),
        ("颅内血肿", "颅外血肿", False),
        ("男性不育症", "女性不育症", False),
        ("原发性高血压", "继发性高血压", False),
        ("ruptured aneurysm", "unruptured aneurysm", False),
        ("reversible ischemia", "irreversible ischemia", False),
        ("septic necrosis", "aseptic necrosis", False),
        ("stable angina", "unstable angina", False),
        ("insulin dependent", "noninsulin dependent", False),
        ("respiratory acidosis", "respiratory alkalosis", False),
        ("renal artery thrombosis", "renal vein thrombosis", False),
        ("polyhydramnios", "oligohydramnios", False),
        ("前壁心肌梗死", "下壁心肌梗死", False),
        ("前侧壁心肌梗死", "前壁心肌梗死", False),
        ("先天性心脏病", "后天性心脏病", False),
        ("下肢动脉血栓", "下肢静脉血栓", False),
        ("二尖瓣轻度狭窄", "二尖瓣重度狭窄", False),
        ("狭窄程度轻", "狭窄程度重", False),
        ("compensated cirrhosis", "decompensated cirrhosis", False),
        ("ventricular tachycardia", "supraventricular tachycardia", False),
        ("coronary stenosis", "coronary restenosis", False),
        ("anterior wall infarction", "inferior wall infarction", False),
        ("permanent atrial fibrillation", "persistent atrial fibrillation", False),
        ("hallux valgus", "hallux varus", False),
        ("homozygous carrier", "heterozygous carrier", False),
        ("well differentiated", "poorly differentiated", False),
        ("epidural hematoma", "subdural hematoma", False),
        ("hepatitis a virus", "hepatitis b virus", False),
        ("protein c deficiency", "protein s deficiency", False),
        ("stanford a型主动脉夹层", "stanford b型主动脉夹层", False),
        ("慢性乙型病毒性肝炎", "慢性丙型病毒性肝炎", False),
        ("肝硬化失代偿期", "肝硬化代偿期", False),
        ("支架内再狭窄", "支架内狭窄", False),
        ("真性动脉瘤", "假性动脉瘤", False),
        ("室上性心动过速", "室性心动过速", False),
        ("室间隔缺损", "房间隔缺损", False),
        ("心房扑动", "心室扑动", False),
        ("同侧侧支循环", "对侧侧支循环", False),
        ("缺血性脑卒中", "出血性脑卒中", False),
        ("耐甲氧西林金黄色葡萄球菌", "甲氧西林敏感金黄色葡萄球菌", False),
        ("双侧肾囊肿", "左侧肾囊肿", False),
        ("左右冠状动脉", "右冠状动脉", False),
        # One word of two has its opposite instead, or both are exchanged.
        ("第1对角支50%第2对角支90%", "第2对角支50%第1对角支90%", False),
        ("left to right shunt", "right to left shunt", False),
        ("左向右分流", "右向左分流", False),
        ("左肺上叶右肺下叶结节", "左肺下叶右肺上叶结节", False),
        ("右肺下叶左肺上叶结节", "左肺上叶右肺下叶结节", False),
        ("diabetes without hypertension", "hypertension without diabetes", False),
        ("mitral stenosis aortic regurgitation", "aortic stenosis mitral regurgitation", False),
        ("hypertension with hypokalemia", "hypertension with hyperkalemia", False),
        ("高血压伴低钾血症", "高血压伴高钾血症", False),
        ("上腹部上段", "上腹部下段", False),
        ("急性支气管炎慢性发作", "慢性支气管炎急性发作", False),
        ("acute bronchitis chronic cough", "chronic bronchitis acute cough", False),
        ("acute and chronic gastritis", "chronic and acute gastritis", False),
        # A word that the other term lacks, the same ones in another order, and other words that
        # begin or look alike.
        ("后降支", "左后降支", True),
        ("急性上呼吸道感染", "上呼吸道感染", True),
        ("冠状动脉慢性完全闭塞", "冠状动脉完全闭塞", True),
        ("高血压伴低钾血症", "低钾血症伴高血压", True),
        ("白细胞升高", "白细胞增高", True),
        ("proximal to mid segment", "proximal segment", True),
        ("acute bronchitis chronic cough", "chronic cough acute bronchitis", True),
        ("hypertension with hypokalemia", "hypokalemia with hypertension", True),
        ("reduced function", "decreased function", True),
        ("postdilation", "post dilation", True),
        ("in stent restenosis", "instent restenosis", True),
        ("left anterior descending", "leftanterior descending", True),
        ("hepatitis virus", "hepatitis b virus", True),
        ("crohn s disease", "crohn disease", True),
        ("left lung right kidney", "right kidney left lung", True),
        ("posterior branch", "posterior presenting branch", True),
        ("过敏性紫癜", "过敏性紫瘢", True),
    ],
)
def test_what_differs_in_meaning_is_not_the_same(one: str, other: str, same: bool) -> None:
    assert may_be_same(one, other) is may_be_same(other, one) is same


def test_opposites_get_no_code_and_typing_errors_do(tmp_path: Path) -> None:
    terms = ["hypertension", "hyperkalemia", "急性肾功能衰竭", "高甘油三酯血症"]
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_codes")
    read(nlp, write_csv(tmp_path / "a.csv", [(term, "s", term) for term in terms]))
    opposites = ["hypotension", "hypokalemia", "慢性肾功能衰竭", "低甘油三酯血症"]
    assert [codes_of(nlp, each) for each in opposites] == [[], [], [], []]
    misspelled = ["hypertenson", "hyperkalemmia", "急性肾功能衰歇", "高甘油三脂血症"]
    assert [codes_of(nlp, each) for each in misspelled] == [[term] for term in terms]


def test_short_terms_are_exact_whichever_is_in_the_table(tmp_path: Path) -> None:
    for term, text in (("STEMI", "NSTEMI"), ("NSTEMI", "STEMI")):
        nlp = spacy.blank("en")
        nlp.add_pipe("str_codes")
        read(nlp, write_csv(tmp_path / "a.csv", [("C1", "s", term)]))
        assert (codes_of(nlp, text), codes_of(nlp, term)) == ([], ["C1"])


def test_terms_that_differ_in_a_few_letters_are_confused_below_a_high_threshold(
    tmp_path: Path,
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("str_codes")
    read(nlp, write_csv(tmp_path / "a.csv", [("D1", "drugs", "prednisolone")]))
    _, [code] = find(nlp, "prednisone")
    # Ten of the ten letters, and of the twelve.
    assert code["score"] == pytest.approx(2 * 10 / (10 + 12))
    nlp.get_pipe("str_codes").cfg["threshold"] = 0.95  # type: ignore[attr-defined]
    assert find(nlp, "prednisone") == ("", [])


def make_terms(rng: random.Random, count: int) -> list[str]:
    """Terms of 4 to 12 Chinese characters, or of 1 to 3 words."""
    characters = [chr(0x4E00 + i) for i in range(100, 400)]
    words = ["".join(rng.choices("abcdefgh", k=6)) for _ in range(count)]
    return [
        "".join(rng.choices(characters, k=rng.randint(4, 12)))
        if rng.random() < 0.5
        else " ".join(rng.choices(words, k=rng.randint(1, 3)))
        for _ in range(count)
    ]


def common_share(one: str, other: str) -> float:
    """The share of characters in the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for letter in one:
        before = row[:]
        for i, each in enumerate(other):
            row[i + 1] = before[i] + 1 if letter == each else max(row[i], before[i + 1])
    return 2 * row[-1] / (len(one) + len(other))


def test_candidates_hold_what_a_search_of_all_terms_finds() -> None:
    rng = random.Random(0)
    terms = make_terms(rng, 2000)
    matcher = Matcher(
        Terminology.from_terms(((f"C{i}", "s", t) for i, t in enumerate(terms)), NormalForms({})),
        fuzzy=True,
    )
    keys = [term.replace(" ", "") for term in terms]
    wanted = right = 0
    for term in rng.sample(terms, 60):
        place = rng.randrange(len(term))
        text = term[:place] + ("q" if term.isascii() else "鑫") + term[place + 1 :]
        key = text.replace(" ", "")
        scores = [common_share(key, each) for each in keys]
        best = max(scores)
        if best >= 0.8:
            wanted += 1
            codes = matcher.find(text, threshold=0.8, max_codes=5)
            right += bool(codes) and codes[0]["score"] >= best - 1e-9
    assert wanted > 40
    assert right == wanted


def test_equal_hashes_are_not_equal_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_str_encoder.terminology.exact.get_string_id", lambda key: 7)
    terminology = Terminology.from_terms([*ROWS], NormalForms({}))
    matcher = Matcher(terminology, fuzzy=False)
    codes = matcher.find("右冠状动脉", threshold=1, max_codes=5)
    assert [each["code"] for each in codes] == ["V2"]
    assert matcher.find("血", threshold=1, max_codes=5) == []


# Tables.


def to_parquet(path: Path) -> None:
    columns = dict(zip(("code", "system", "term"), zip(*ROWS, strict=True), strict=True))
    pyarrow.parquet.write_table(pyarrow.table({**columns, "other": [1] * len(ROWS)}), path)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.parquet"])
def test_tables_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        to_parquet(path)
    else:
        write_csv(path, ROWS, "\t" if "tsv" in name else ",")
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert [*read_terms(path)] == ROWS


def test_other_columns_and_numbers_of_parquet_files_are_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    row = {"term": ["fever"], "code": [386661006], "system": ["s"], "note": [None]}
    pyarrow.parquet.write_table(pyarrow.table(row), path)
    assert [*read_terms(path)] == [("386661006", "s", "fever")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"code,term\n1,a\n", "missing: system. The columns of this file: 'code', 'term'"),
        ("a.csv", b"", "missing: code, system, term. The columns of this file: none"),
        ("a.csv", b"code,system,term\n1,s,a\n2,s,\n", "row 2 has no `term`"),
        ("a.csv", b"code,system,term\n1,s\n", "row 1 has no `term`"),
        (
            "a.csv",
            b"code,system,term\n1,s,b\n2,s,a, severe\n",
            "row 2 has 4 cells, but the header has 3. Put terms that contain the separator in",
        ),
        ("a.csv", b'code,system,term\n1,s,"a\n2,s,b"\n', "row 1 has a line break. Check the"),
        ("a.csv", b"code,system,term\n1,s,\xff\n", "must be UTF-8"),
        ("a.csv", b'code,system,term\n1,s,"a\n', "can't be read"),
        ("a.txt", b"fever", "must be a .csv, .tsv or .parquet file with the columns code, system"),
        ("a.parquet", b"fever", "not a complete Parquet file"),
        ("a.csv", b"code,system,term\n", "has no terms"),
        ("a.csv", b"code,system,term\n1,s,...\n", "has no terms"),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    nlp = spacy.blank("en")
    nlp.add_pipe("str_codes")
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(nlp, path)
    assert str(path) in str(caught.value)


# The component.


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"types": "Finding"}, "`types` must be a list of entity types"),
        ({"types": []}, "`types` must have an entity type, or be null for all, got none"),
        ({"threshold": 1.5}, "`threshold` must be a number from 0 to 1, got 1.5"),
        ({"threshold": math.nan}, "`threshold` must be a number from 0 to 1, got nan"),
        ({"max_codes": 0}, "`max_codes` must be at least 1, got 0"),
    ],
)
def test_settings_are_checked(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CodeFinder(**config)


def test_fuzzy_matches_without_rapidfuzz_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzy, "find_spec", lambda name: None)
    nlp = spacy.blank("zh")
    with pytest.raises(ImportError, match=r"pip install 'spacy_str_encoder\[codes\]'"):
        nlp.add_pipe("str_codes")
    nlp.add_pipe("str_codes", config={"fuzzy": False})


def test_the_config_names_the_table(table: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_codes")
    nlp.config["initialize"]["components"]["str_codes"] = {"path": str(table)}
    with pytest.warns(UserWarning, match="repeats 1 term"):
        nlp.initialize()
    assert find(nlp, "左前降支")[0] == "V1"


def test_without_a_terminology_it_says_how_to_give_one() -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_codes")
    with pytest.raises(ValueError, match=r"`path` in \[initialize.components.str_codes\]"):
        find(nlp, "左前降支")
    with pytest.raises(ValueError, match=r"initialize\(nlp=nlp, path='terms.csv'\)"):
        nlp.initialize()


def test_the_terminology_is_saved_with_the_pipeline(
    make: Callable[..., Language], table: Path, tmp_path: Path
) -> None:
    nlp = make(threshold=0.9)
    nlp.to_disk(tmp_path / "model")
    table.unlink()
    loaded = [spacy.load(tmp_path / "model"), spacy.blank("zh")]
    loaded[1].add_pipe("str_codes", config={"threshold": 0.9})
    loaded[1].from_bytes(nlp.to_bytes())
    for each in loaded:
        for text in ("LAD", "rca", "右冠状动脉处", "右冠状"):
            assert find(each, text) == find(nlp, text)
    [file] = (tmp_path / "model" / "str_codes").iterdir()
    assert file.name == "terminology.npz"
    again = tmp_path / "again"
    loaded[0].to_disk(again)
    assert (again / "str_codes" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_damaged_terminology_is_refused(
    make: Callable[..., Language], tmp_path: Path, damage: str
) -> None:
    make().to_disk(tmp_path)
    file = tmp_path / "str_codes" / "terminology.npz"
    content = bytearray(file.read_bytes())
    file.unlink()
    if damage == "cut":
        file.write_bytes(content[:-20])
    elif damage == "changed":
        content[200] ^= 1
        file.write_bytes(content)
    with pytest.raises(ValueError, match=r"missing|damaged"):
        spacy.load(tmp_path)


def test_entities_of_other_types_are_left_alone(make: Callable[..., Language]) -> None:
    patterns = [{"label": "Vessel", "pattern": "LAD"}, {"label": "Word", "pattern": "RCA"}]
    nlp = make(patterns, types=["Vessel"])
    doc = nlp("LAD RCA")
    assert [(e.kb_id_, e._.codes is None) for e in doc.ents] == [("V1", False), ("", True)]


def test_types_that_no_component_predicts_are_told(table: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Vessel", "pattern": "LAD"}])  # type: ignore[attr-defined]
    nlp.add_pipe("str_codes", config={"types": ["Nope", "Vessel"]})
    with pytest.warns(UserWarning) as caught:
        read(nlp, table)
    expected = (
        "str_codes: no component of this pipeline predicts Nope, listed in `types`. "
        "The pipeline predicts Vessel."
    )
    assert [str(each.message) for each in caught if "predicts" in str(each.message)] == [expected]
    assert {each.filename for each in caught} == {__file__}


@pytest.mark.parametrize("types", [None, ["Vessel"]])
def test_types_that_a_component_predicts_are_not(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, types: list[str] | None
) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Vessel", "pattern": "LAD"}])  # type: ignore[attr-defined]
    nlp.add_pipe("str_codes", config={"types": types})
    read(nlp, write_csv(tmp_path / "a.csv", [("V1", "vessels", "LAD")]))
    assert not recwarn.list


def test_identifiers_of_rules_and_of_other_components_stay(make: Callable[..., Language]) -> None:
    patterns = [{"label": "Vessel", "pattern": "LAD", "id": "rule-1"}]
    nlp = make(patterns)
    doc = nlp.make_doc("LADRCA")
    doc.set_ents([Span(doc, 3, 6, "Vessel", kb_id="Q1", span_id="own")])
    first, second = nlp(doc).ents
    assert (first.ent_id_, first.kb_id_) == ("rule-1", "V1")
    assert (second.ent_id_, second.kb_id_) == ("own", "Q1")
    assert [each["code"] for each in second._.codes] == ["V5", "V2"]


def test_codes_that_were_found_earlier_are_replaced(
    make: Callable[..., Language], tmp_path: Path
) -> None:
    nlp = make()
    doc = Doc(nlp.vocab, words=["LAD"])
    doc.set_ents([Span(doc, 0, 1, "Vessel")])
    nlp(doc)
    read(nlp, write_csv(tmp_path / "new.csv", [("N1", "n", "lad")]))
    [entity] = nlp(doc).ents
    assert (entity.kb_id_, [each["code"] for each in entity._.codes]) == ("N1", ["N1"])


def test_entities_of_a_span_group_get_codes(make: Callable[..., Language]) -> None:
    nlp = make(spans_key="sc")
    doc = Doc(nlp.vocab, words=["LAD", "RCA"])
    vessel = Span(doc, 0, 1, "Vessel", span_id="s1")
    doc.spans["sc"] = [Span(doc, 1, 2, "Vessel", kb_id="Q1"), Span(doc, 0, 2, "List"), vessel]
    doc.spans["sc"].attrs["kept"] = True
    doc.set_ents([vessel])
    nlp(doc)
    found = [(s.text, s.label_, s.kb_id_, s.id_) for s in doc.spans["sc"]]
    assert found == [
        ("RCA", "Vessel", "Q1", ""),
        ("LAD RCA", "List", "", ""),
        ("LAD", "Vessel", "V1", "s1"),
    ]
    assert doc.spans["sc"].attrs == {"kept": True}
    # Codes are those of the place, wherever an entity is.
    assert doc.ents[0]._.codes[0] == LAD


def test_attributes_and_scores_stay(make: Callable[..., Language]) -> None:
    nlp = make()
    doc = Doc(nlp.vocab, words=["LAD"])
    doc.set_ents([Span(doc, 0, 1, "Vessel")])
    set_attributes(doc.ents[0], {"Assertion": "negated"}, {"Assertion": 0.75})
    doc.ents[0]._.score = 0.5
    [entity] = nlp(doc).ents
    assert entity.kb_id_ == "V1"
    assert (entity._.attributes, entity._.score) == ({"Assertion": "negated"}, 0.5)
    assert entity._.attribute_scores == {"Assertion": 0.75}


@pytest.mark.parametrize("place", [{"before": "str_rel"}, {"last": True}])
@pytest.mark.parametrize("spans_key", [None, "sc"])
def test_it_may_stand_before_or_behind_relations(
    make_nlp: MakeNlp, tmp_path: Path, place: dict[str, Any], spans_key: str | None
) -> None:
    nlp = make_nlp(spans_key=spans_key, exclusive=False, threshold=0.0)
    nlp.initialize(lambda: make_examples(nlp))
    nlp.disable_pipe("str_ner")

    def relate() -> set[tuple[str, str, str, str, str]]:
        doc = with_entities(nlp, ANNOTATIONS[0])
        if spans_key is not None:
            doc.spans[spans_key] = doc.ents
            doc.set_ents([])
        return {
            (r.head.text, r.head.kb_id_, r.label, r.tail.text, r.tail.kb_id_)
            for r in nlp(doc)._.relations
        }

    before = relate()
    nlp.add_pipe("str_codes", config={"spans_key": spans_key, "fuzzy": False}, **place)
    codes = {"前降支": "V1", "未见": "W1"}
    read(nlp, write_csv(tmp_path / "a.csv", [(c, "s", term) for term, c in codes.items()]))
    assert before
    # The same relations, whose ends have codes now.
    assert relate() == {
        (head, codes.get(head, ""), label, tail, codes.get(tail, ""))
        for head, _, label, tail, _ in before
    }


def test_processes_find_the_same(make: Callable[..., Language]) -> None:
    nlp = make([{"label": "Vessel", "pattern": word} for word in ("LAD", "RCA")])
    texts = ["LAD", "RCA", "LAD RCA", "no"]
    one, two = (
        [[(e.kb_id_, e._.codes) for e in doc.ents] for doc in nlp.pipe(texts, n_process=processes)]
        for processes in (1, 2)
    )
    assert one == two
    assert one[1][0][0] == "V5"


def test_a_copy_of_the_pipeline_finds_the_same(make: Callable[..., Language]) -> None:
    nlp = make()
    finder = nlp.get_pipe("str_codes")
    for other in (copy.deepcopy(finder), pickle.loads(pickle.dumps(finder))):
        doc = nlp.make_doc("rca")
        doc.set_ents([Span(doc, 0, len(doc), "T")])
        assert other(doc).ents[0].kb_id_ == "V5"


# Vectors.


@pytest.fixture
def with_vectors(make_nlp: MakeNlp, tmp_path: Path) -> Language:
    """A pipeline whose encoder is not trained, and that compares vectors alone."""
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    nlp.select_pipes(enable=["str_encoder"])
    config = {"vectors": True, "fuzzy": False, "threshold": 0.99}
    finder = nlp.add_pipe("str_codes", config=config)
    rows = [("A", "s", "前降支狭窄"), ("B", "s", "回旋支"), ("C", "s", "患者一般情况可")]
    finder.initialize(nlp=nlp, path=write_csv(tmp_path / "v.csv", rows))  # type: ignore[attr-defined]
    return nlp


def test_vectors_find_what_the_encoder_reads_the_same(with_vectors: Language) -> None:
    matcher = with_vectors.get_pipe("str_codes").matcher  # type: ignore[attr-defined]
    vectors = matcher.vectors.vectors.astype("float64")
    assert vectors.shape == (3, 32)
    numpy.testing.assert_allclose(numpy.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    # An independent mean of the encoder's output for the term.
    doc = with_vectors.get_pipe("str_encoder")(with_vectors.make_doc("回旋支"))
    state = doc._.trf_data.model_output["last_hidden_state"][0]
    pieces = numpy.unique(doc._.trf_data.align.dataXd)
    own = state[pieces].mean(0) - matcher.vectors.mean
    numpy.testing.assert_allclose(own / numpy.linalg.norm(own), vectors[1], atol=5e-3)


def test_vectors_count_where_no_term_is_the_same(
    with_vectors: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_str_encoder.terminology.exact.ExactIndex.find", lambda *_: [])
    kb_id, [code] = find(with_vectors, "回旋支")
    assert (kb_id, code["display"]) == ("B", "回旋支")
    assert 0.99 <= code["score"] <= 1


def test_vectors_are_saved(with_vectors: Language, tmp_path: Path) -> None:
    with_vectors.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")
    for each in ("回旋支", "前降支", "患者情况可"):
        assert find(nlp, each) == find(with_vectors, each)


def test_a_pipeline_without_its_encoder_can_be_saved(
    with_vectors: Language, tmp_path: Path
) -> None:
    with_vectors.remove_pipe("str_encoder")
    with_vectors.to_disk(tmp_path)
    assert (tmp_path / "str_codes" / "terminology.npz").is_file()


def test_vectors_that_were_not_saved_are_missed(
    make: Callable[..., Language], tmp_path: Path
) -> None:
    make().to_disk(tmp_path)
    with pytest.raises(ValueError, match="the saved terminology has no vectors"):
        spacy.load(tmp_path, config={"components": {"str_codes": {"vectors": True}}})


def test_vectors_of_an_encoder_that_has_changed_are_told(
    with_vectors: Language, tmp_path: Path
) -> None:
    for parameter in with_vectors.get_pipe("str_encoder").model.transformer.parameters():
        parameter.data += 0.2
    with pytest.warns(UserWarning, match="the encoder has changed since the terms were encoded"):
        with_vectors.to_disk(tmp_path)


def test_vectors_need_an_encoder_before_and_no_cleaner_between(
    make_nlp: MakeNlp, table: Path
) -> None:
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    nlp.add_pipe("str_cleaner")
    nlp.add_pipe("str_codes", config={"vectors": True})
    with pytest.raises(ValueError, match=r"requires an encoder .* no 'str_cleaner' between"):
        read(nlp, table)


def test_vectors_without_output_of_an_encoder_are_an_error(with_vectors: Language) -> None:
    with (
        with_vectors.select_pipes(disable="str_encoder"),
        pytest.raises(ValueError, match="A doc has no encoder output"),
    ):
        find(with_vectors, "血管")


def test_vectors_of_too_many_terms_are_refused(
    make_nlp: MakeNlp, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_str_encoder.pipeline.term_vectors.MAX_TERMS", 3)
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    nlp.add_pipe("str_codes", config={"vectors": True})
    with pytest.raises(ValueError, match="at most 3 terms, got 9"):
        read(nlp, table)


# The figures of the docs.

DOCS = Path(__file__).parents[1] / "docs" / "codes.md"


def read_figures(setting: str) -> list[int]:
    """The columns of a row of the table of accuracy."""
    [row] = re.findall(rf"^\| \**{re.escape(setting)}\** \|(.*)\|$", DOCS.read_text("utf-8"), re.M)
    return [int(cell) for cell in row.split("|") if cell.strip()]


def test_variants_are_those_that_the_docs_count() -> None:
    variants = [Variant(*row) for row in read_rows("variants.csv")]
    terms = read_rows("coronary.csv")
    counts = [sum(each.kind == kind for each in variants) for kind in KINDS]
    assert [*counts, len(variants)] == read_figures("variants")
    assert {*Counter(each.code for each in variants).values()} == {3}
    assert {each.code for each in variants} == {code for code, _, _ in terms}
    assert len({code for code, _, _ in terms}) == 100
    assert {each.text for each in variants}.isdisjoint(term for _, _, term in terms)


@pytest.mark.parametrize(
    ("setting", "threshold"), [("exact", 1.0), ("fuzzy, 0.85", 0.85), ("fuzzy, 0.8", 0.8)]
)
def test_the_docs_have_the_figures_of_variants(setting: str, threshold: float) -> None:
    # Traditional characters need OpenCC.
    variants = [Variant(*row) for row in read_rows("variants.csv")]
    nlp = make_finder(read_rows("coronary.csv"), threshold=threshold)
    codes = find_codes(nlp, variants)
    correct = Counter(v.kind for v, code in zip(variants, codes, strict=True) if code == v.code)
    documented = dict(zip(KINDS, read_figures(setting), strict=False))
    for kind in {*KINDS} - {"traditional"}:
        assert correct[kind] == documented[kind]
