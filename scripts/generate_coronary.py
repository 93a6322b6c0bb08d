"""Write the demo corpus: synthetic Chinese coronary arteriography findings with annotations.

A sentence is a sequence of clauses. A clause is a template whose slots produce text, entities and
scopes together, so the annotations come from the grammar and not from a search for strings.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypedDict, TypeVar

import typer

Choice = TypeVar("Choice")


class Record(TypedDict):
    """Annotated sentence, as stored in the JSON files."""

    text: str
    entities: list[tuple[int, int, str, str]]
    relations: list[tuple[int, int, str]]
    unseen: bool
    novelty: list[str]
    shapes: list[int]


@dataclass(frozen=True)
class Vessel:
    """Vessel with its names, and the divisions of its course from the ostium downstream."""

    names: tuple[str, ...]
    new_names: tuple[str, ...]
    courses: tuple[tuple[str, ...], ...]
    new_courses: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Severity:
    """Words and numbers for stenoses of the same severity."""

    grade: tuple[str, ...]
    percent: tuple[str, ...]
    timi: tuple[str, ...]


@dataclass
class Scope:
    """Places of a finding, and the words that relate to them."""

    severity: Severity
    vessels: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    claims: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """Requirements for the next sentence.

    novelty (tuple[str, ...]): The kinds of novelty: "word", "shape", both or none.
    clause (str): A clause that the sentence must contain, or "".
    long (bool): Whether remarks are added before and after the findings.
    size (int): The number of entities, plus or minus one.
    """

    novelty: tuple[str, ...]
    clause: str
    long: bool
    size: int


class UnfitError(Exception):
    """Sentence that needs more vessels or stretches than are left."""


# The counts in the published corpus, per 2,136 entities. A few inverse orders are added for the two
# relations that have them in real reports.
TARGETS = {
    "Negation": 103,
    "BodyPart": 492,
    "Degree": 658,
    "Quantifier": 422,
    "Location": 461,
    "Negative_1_2": 16,
    "Negative_2_1": 390,
    "Modifier_1_2": 43,
    "Modifier_2_1": 1025,
    "Position_1_2": 389,
    "Percentage_1_2": 100,
    "Percentage_2_1": 256,
    "Quantifier_idle": 80,
}
TARGET_ENTITIES = 2136

TRUNK = (("开口", "体部", "末段"), ("开口处", "体部", "分叉处"))
NEW_TRUNK = (("开口部", "中部", "末端"),)
MAIN = (
    ("开口", "近段", "中段", "远段"),
    ("开口处", "近中段", "远段"),
    ("起始部", "近段", "中远段"),
    ("近段", "中段", "末段"),
)
NEW_MAIN = (("起始段", "中部", "末梢段"), ("近端", "中下段"), ("口部", "近端", "中1/3段"))
BRANCH = (("开口处", "近段", "中段", "远段"), ("起始部", "近中段", "末段"))
NEW_BRANCH = (("口部", "近端", "末梢段"), ("起始段", "中下段"))

VESSELS = (
    Vessel(("左主干", "LM"), ("左冠状动脉主干", "LMCA"), TRUNK, NEW_TRUNK),
    Vessel(("前降支", "LAD"), ("左前降支",), MAIN, NEW_MAIN),
    Vessel(("回旋支", "LCX"), ("左回旋支",), MAIN, NEW_MAIN),
    Vessel(("右冠状动脉", "右冠", "RCA"), ("右冠脉",), MAIN, NEW_MAIN),
    Vessel(("第一对角支", "对角支", "D1"), ("高位对角支",), BRANCH, NEW_BRANCH),
    Vessel(("第一钝缘支", "钝缘支", "OM1"), ("高位钝缘支",), BRANCH, NEW_BRANCH),
    Vessel(("中间支", "RI"), (), BRANCH, NEW_BRANCH),
    Vessel(("后降支", "PDA"), ("右后降支",), BRANCH, NEW_BRANCH),
    Vessel(("左室后支", "PLV"), (), BRANCH, NEW_BRANCH),
    Vessel((), ("第二对角支", "D2"), BRANCH, NEW_BRANCH),
    Vessel((), ("第二钝缘支", "OM2"), BRANCH, NEW_BRANCH),
    Vessel((), ("锐缘支", "AM"), BRANCH, NEW_BRANCH),
)
# Myocardial bridges occur on the anterior wall.
BRIDGED = VESSELS[1]

SEVERITIES = (
    Severity(("轻度", "轻微"), ("20%", "20-30%", "30%", "30-40%", "40%"), ("3", "Ⅲ")),
    Severity(("轻中度",), ("40-50%", "45%", "50%"), ("3", "Ⅲ")),
    Severity(("中度",), ("50%", "50-60%", "60%", "65%"), ("3", "Ⅲ")),
    Severity(
        ("重度", "高度", "严重"),
        ("70%", "75%", "70-80%", "80%", "85%", "80-90%", "90%"),
        ("3", "3", "2", "Ⅱ"),
    ),
)
NEW_SEVERITIES = (
    Severity(("轻",), ("25-35%", "35-45%"), ("3",)),
    Severity(("中重度",), ("60-70%", "65-75%"), ("3", "Ⅲ")),
    Severity(("极重度", "重"), ("90-95%", "85-95%"), ("2", "2-3")),
)

# A bar separates the plain text before an entity from the entity. {} is replaced by the TIMI grade.
WORDS = {
    "about": ("", "约", "约", "近"),
    "absent": ("狭窄", "狭窄", "斑块", "狭窄及闭塞", "钙化", "血栓影", "狭窄性病变"),
    "narrow": ("狭窄", "狭窄", "狭窄性病变"),
    "plaque": ("斑块", "粥样硬化斑块", "硬化斑块", "混合斑块"),
    "history": ("药物过敏史", "高血压病史", "糖尿病史", "造影剂过敏史"),
    "extent": ("弥漫性", "局限性", "节段性"),
    "form": ("偏心性", "向心性", "不对称性"),
    "amount": ("轻度", "中度", "重度", "轻微", "明显", "严重"),
    "clear": ("明显", "明显", "显著", "显著"),
    "total": ("完全",),
    "nearly": ("次全",),
    "negation": ("未见", "未见", "未见到", "未发现", "无", "并无"),
    "without": ("不伴",),
    "flow": ("血流|TIMI {}级", "前向血流|TIMI {}级", "血流|TIMI{}级", "|TIMI血流{}级"),
    "timi": ("TIMI {}级", "TIMI{}级"),
    "stopped": ("血流|TIMI 0级", "前向血流|TIMI0级", "|TIMI血流0级"),
    "trickle": ("血流|TIMI 1级", "前向血流|TIMI Ⅰ级", "|TIMI血流1级"),
    "slow": ("TIMI 2级", "TIMI2级", "TIMI Ⅱ级", "TIMI血流2级"),
    "squeezed": ("30%", "30-40%", "40%", "50%"),
    "almost": ("95%", "99%", "95-99%"),
    "whole": ("100%",),
    "diameter": ("5.0mm", "5.5mm", "6.0mm", "6.5mm"),
    "length": ("8mm", "12mm", "15mm", "20mm"),
    "ejection": ("55%", "60%", "65%", "55-60%"),
    "chamber": ("左室", "左心室"),
    "far": ("远端",),
    "inside": ("支架内",),
    "coronary": ("冠状动脉", "冠脉"),
    "access": ("右桡动脉", "左桡动脉", "右股动脉"),
    "sheath": ("5F", "6F"),
    "volume": ("60ml", "80ml", "100ml", "120ml"),
    "pressure": ("120/80mmHg", "130/75mmHg", "145/90mmHg", "110/70mmHg"),
    "rate": ("68次/分", "72次/分", "80次/分"),
    "dose": ("3000U", "5000U", "8000U"),
    "balloon": ("2.0×15mm", "2.5×15mm", "3.0×18mm"),
    "loose": ("远端", "远端", "远段", "末段"),
    "seat": ("开口", "开口处"),
    "eased": ("明显", "显著", "轻度"),
    "denial": ("否认", "无"),
}
NEW_WORDS = {
    "about": ("大约", "约为"),
    "absent": ("充盈缺损", "夹层", "缩窄", "内膜撕裂"),
    "narrow": ("缩窄", "缩窄样病变"),
    "plaque": ("软斑块", "钙化斑块", "脂质斑块"),
    "history": ("吸烟史", "脑梗死病史", "手术史"),
    "extent": ("串珠样", "长段", "广泛", "多节段性"),
    "form": ("环形", "新月形", "漏斗状"),
    "amount": ("少许", "大量", "较重"),
    "clear": ("明确", "确切", "有意义"),
    "total": ("完全性",),
    "nearly": ("近完全", "次全性"),
    "negation": ("未显示", "没有", "未提示", "未见有", "未探及"),
    "without": ("不伴有", "未合并"),
    "flow": ("血流|TIMI-{}级", "血流分级|{}级", "血流达|TIMI分级{}级"),
    "timi": ("TIMI-{}级", "TIMI分级{}级"),
    "stopped": ("血流|TIMI-0级", "血流|TIMI分级0级"),
    "trickle": ("血流|TIMI-1级", "血流|TIMI 0-1级"),
    "slow": ("TIMI-2级", "TIMI 1-2级"),
    "diameter": ("0.5cm", "0.6cm"),
    "length": ("1.2cm", "2.0cm"),
    "chamber": ("左心腔",),
    "far": ("远侧",),
    "inside": ("支架近缘", "支架远缘"),
    "coronary": ("冠状血管",),
    "access": ("右肱动脉", "左股动脉", "左远桡动脉"),
    "sheath": ("6Fr", "7Fr"),
    "volume": ("80毫升", "110毫升"),
    "pressure": ("16.0/10.6kPa",),
    "rate": ("75bpm", "82bpm"),
    "dose": ("4000单位", "6000单位"),
    "balloon": ("2.5mm×12mm",),
    "loose": ("远侧", "末梢"),
    "seat": ("口部", "开口部"),
    "eased": ("稍", "大幅"),
    "denial": ("未诉", "没有"),
}
JOINERS = ("、", "及", "和")
NEW_JOINERS = ("以及", "与")

DEGREES = ("extent", "form", "grade", "amount", "clear", "total", "nearly")
MEASURES = ("percent", "squeezed", "almost", "whole", "diameter", "length", "ejection")
FLOWS = ("flow", "timi", "stopped", "trickle", "slow")
ASIDES = ("sheath", "volume", "pressure", "rate", "dose", "balloon")
# The entity type and relation of each slot. With an empty relation, the entity is a distractor.
ROLES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(DEGREES, ("Degree", "Modifier")),
    **dict.fromkeys(("negation", "without"), ("Negation", "Negative")),
    **dict.fromkeys(MEASURES, ("Quantifier", "Percentage")),
    **dict.fromkeys(FLOWS, ("Quantifier", "Flow")),
    **dict.fromkeys(ASIDES, ("Quantifier", "")),
    **dict.fromkeys(("access", "coronary"), ("BodyPart", "")),
    **dict.fromkeys(("loose", "seat"), ("Location", "")),
    "eased": ("Degree", ""),
    "denial": ("Negation", ""),
}

# The digit after a slot is its scope: words relate only to places of the same scope.
OPENERS = (
    "经{access}穿刺",
    "经{access}入路置入{sheath}鞘管",
    "{coronary}分布呈右优势型，造影剂用量{volume}",
    "{coronary}呈左优势型，导丝送至{loose}，血压{pressure}",
    "患者{denial}{history}，术前血压{pressure}",
    "造影导管位于{seat}，导丝送至{loose}",
    "造影导管尖端位于{seat}，导丝通过{loose}",
    "导丝通过{loose}，心率{rate}",
    "术前{balloon}球囊备用，导丝送至{loose}",
    "含服硝酸甘油后胸痛{eased}缓解",
    "{sheath}导管到位于{seat}，含服硝酸甘油后胸痛{eased}缓解",
)
CLAUSES = (
    "{place}{extent}{form}{narrow}{about}{percent}",
    "{place}见{extent}{form}{grade}狭窄，{about}{percent}，{flow}",
    "{place}可见{extent}{plaque}伴{amount}钙化，管腔{form}{grade}狭窄{about}{percent}，{flow}",
    "{place}{amount}钙化伴{extent}{plaque}，{form}{grade}狭窄{about}{percent}",
    "{place}管壁{extent}不规则，{form}{grade}狭窄{about}{percent}，{flow}",
    "{place}{extent}{form}{grade}{narrow}，{flow}",
    "{places}{extent}{form}{grade}狭窄",
    "{places}管壁不规则，见{extent}{form}{plaque}伴{amount}钙化",
    "{several}{extent}{form}{grade}狭窄",
    "{several}均见{extent}{plaque}伴{amount}钙化",
    "{several}管壁{extent}不规则，血流均为{timi}",
    "{place1}{extent1}{grade1}狭窄{about}{percent1}，{more2}{extent2}{grade2}狭窄{about}{percent2}，{flow1}",
    "{place1}{form1}{grade1}狭窄{about}{percent1}，{more2}见{extent2}{plaque}，{flow1}",
    "{place1}{extent1}{grade1}狭窄{about}{percent1}，{far2}{flow2}",
    "{place}{extent}{plaque}伴{amount}钙化，{total}闭塞（{whole}），{stopped}",
    "{place1}{extent1}{form1}病变伴{amount1}钙化，{total1}闭塞，{far2}由{vessel3}侧支循环供血",
    "{place}{extent}{form}病变，{nearly}闭塞{about}{almost}，{trickle}",
    "{place1}、{place2}分别见{extent1}{form1}、{extent2}{form2}斑块，狭窄依次{about}{percent1}和{percent2}",
    "{place1}、{place2}分别见{extent1}{form1}{grade1}、{extent2}{form2}{grade2}狭窄",
    "{vessel}走行{amount}迂曲，管壁{extent}不规则，{flow}",
    "{vessel1}走行迂曲，{more2}{extent2}{form2}{grade2}狭窄{about}{percent2}，{flow1}",
    "{vessel}管壁{extent}不规则，{amount}迂曲，血流缓慢，{slow}",
    "{place}{extent}{amount}扩张，管腔直径{about}{diameter}",
    "{place}{extent}病变，长度{about}{length}，{form}{grade}狭窄{about}{percent}，{flow}",
    "{place}可见血栓影，{extent}{form}{grade}狭窄{about}{percent}，{flow}",
    "{bridge}可见肌桥，收缩期{amount}受压{about}{squeezed}",
    "{vessel1}支架通畅，{inside2}{negation2}{clear2}再狭窄",
    "{vessel1}可见支架影，{inside2}{extent2}{grade2}再狭窄{about}{percent2}，{flow1}",
    "{place}{extent}病变，{total}闭塞，{stopped}，可见{vessel2}发出的侧支循环",
    "{place}{extent}{form}{grade}狭窄，{without}{clear}钙化",
    "{vessel}{negation}{clear}{absent}",
    "{place}{negation}{clear}{absent}",
    "{list}{negation}{clear}{absent}",
    "{list}{negation}{absent}",
    "{list}均{negation}{clear}{absent}",
    "{list}管壁光滑，{negation}{clear}{absent}",
    "除{place1}{extent1}{grade1}狭窄{about}{percent1}外，余{list2}{negation2}{clear2}狭窄",
    "{place1}{extent1}{grade1}狭窄{about}{percent1}，而{list2}{negation2}{clear2}狭窄",
    "{list1}{negation1}{clear1}狭窄，{place2}则见{extent2}{form2}{grade2}狭窄{about}{percent2}",
    "{about}{percent}的狭窄位于{place}，呈{extent}改变",
    "可见{about}{percent}的{narrow}，位于{place}，病变呈{extent}、{form}，伴{amount}钙化",
    "{percent}的狭窄见于{several}",
    "{timi}血流见于{vessels}",
    "{grade}狭窄位于{place}，{about}{percent}",
    "{extent}{plaque}见于{places}",
    "{negation}{absent}的血管为{list}",
    "{negation}{clear}狭窄的血管为{list}",
    "{chamber}射血分数{about}{ejection}",
)
# Plain text of long reports that suits any procedure and contains no annotated words.
REMARKS = (
    "局部麻醉满意后按常规步骤行选择性造影检查，多体位投照，图像清晰可供分析，结果如下：",
    "造影导管交换顺利，分别于左前斜位及右前斜位加头位、足位投照并留存影像资料，结果如下：",
    "检查过程中患者生命体征平稳，配合良好，心电监护示窦性心律，造影结果分述如下：",
    "因胸闷胸痛反复发作入院，为进一步诊断行造影检查，术者逐支观察后所见如下：",
    "与前次检查影像逐一对照后由两位医师共同判读，结合临床综合分析，结果如下：",
)
CONCLUSIONS = (
    "操作顺利，安返病房后继续心电监护，建议长期规律服药并门诊随访",
    "结合症状与造影所见，建议心脏团队讨论后决定下一步治疗方案",
    "结果已向患者及家属详细说明，拟择期行血运重建治疗",
)
CLOSERS = (
    "术中给予肝素{dose}，造影剂用量{volume}",
    "造影剂用量{volume}，术毕血压{pressure}",
    "术后胸闷症状{eased}缓解",
    "导丝头端位于{loose}，导管退至{seat}",
    "{balloon}球囊备用，导丝留置于{loose}",
    "既往{denial}{history}",
)
NEW_CLAUSES = (
    "{place}管腔丢失{about}{percent}，属{grade}病变，且呈{extent}",
    "{place}以{extent}{grade}狭窄为主，测得狭窄率{percent}",
    "于{place}处探及{extent}{plaque}，致管腔{grade}变窄",
    "病变累及{several}，均为{extent}，程度{grade}",
    "{several}受累，表现为{extent}{plaque}及{amount}钙化",
    "{place1}与{place2}相比，前者狭窄{percent1}，后者狭窄{percent2}",
    "狭窄率以{place1}（{percent1}）为著，其次为{place2}（{percent2}）",
    "{list1}{negation1}{clear1}狭窄，唯{place2}例外，见{extent2}{grade2}狭窄",
    "就{list}而言，{negation}{clear}{absent}",
    "复查见{list}{negation}{clear}{absent}",
    "管腔减少{percent}者为{place}，外形{extent}，钙化{amount}",
    "残余狭窄{about}{percent}，部位在{place}",
    "达{timi}者有{vessels}",
    "{negation}{clear}{absent}者包括{list}",
)
ALL_CLAUSES = OPENERS + REMARKS + CLAUSES + CLOSERS + CONCLUSIONS + NEW_CLAUSES

FULL_WIDTH = str.maketrans("0123456789-%.", "０１２３４５６７８９－％．")
NUMBER_STYLES: tuple[dict[int, int], ...] = (
    {},
    {},
    str.maketrans("%", "％"),
    str.maketrans("-%", "－％"),
    FULL_WIDTH,
)
NEW_NUMBER_STYLES = (str.maketrans("-", "~"), str.maketrans("-%", "～％"))
HALF_WIDTH = str.maketrans("，；。：（）", ",;.:()")
PUNCTUATION_STYLES: tuple[dict[int, int], ...] = ({}, {}, {}, HALF_WIDTH)
MASK = str.maketrans("１２３４５６７８９０123456789", "0" * 19)
SLOT = re.compile(r"([^{]*)(?:\{([a-z]+)(\d?)\})?")

CHARACTERS = range(20, 151)
LONG = range(111, 151)
NOVELTIES: tuple[tuple[str, ...], ...] = (("word",), ("shape",), ("word", "shape"))
CANDIDATES = 40
REPETITION = 0.005


class Writer:
    """Writer of one sentence with its annotations.

    random (Random): The random number generator.
    new_words (bool): Whether held-out words may be used.
    """

    def __init__(self, random: Random, new_words: bool) -> None:
        self.random = random
        self.new_words = new_words
        self.text = ""
        self.entities: list[tuple[int, int, str, str]] = []
        self.relations: list[tuple[int, int, str]] = []
        self.shapes: list[int] = []
        self.numbers = self.pick(NUMBER_STYLES, NEW_NUMBER_STYLES)
        self.punctuation = random.choice(PUNCTUATION_STYLES)
        self.abbreviated = random.random() < 0.25
        self.vessels = [vessel for vessel in VESSELS if vessel.names or new_words]
        random.shuffle(self.vessels)
        self.vessel = -1
        self.stretches: list[str] = []

    def pick(self, known: Sequence[Choice], new: Sequence[Choice] = ()) -> Choice:
        """Choose an option. If held-out options may be used, they are chosen half of the time.

        known (Sequence): The options of training sentences.
        new (Sequence): The held-out options.
        RETURNS: The choice.
        """
        held_out = self.new_words and new and (not known or self.random.random() < 0.5)
        return self.random.choice(new if held_out else known)

    def write(self, text: str) -> None:
        """Append plain text."""
        self.text += text.translate(self.punctuation)

    def mention(self, text: str, kind: str) -> int:
        """Append an entity.

        text (str): The text of the entity.
        kind (str): The entity type.
        RETURNS (int): The index of the entity.
        """
        start = len(self.text)
        self.text += text
        self.entities.append((start, len(self.text), text, kind))
        return len(self.entities) - 1

    def relate(self, head: int, tail: int, name: str) -> None:
        """Add a relation. The direction in its label follows from the text order."""
        direction = "1_2" if head < tail else "2_1"
        self.relations.append((min(head, tail), max(head, tail), f"{name}_{direction}"))

    def add_clause(self, template: str) -> None:
        """Fill the slots of a template, then relate the words of each scope to its places."""
        self.shapes.append(ALL_CLAUSES.index(template))
        scopes: dict[str, Scope] = defaultdict(lambda: Scope(self.pick(SEVERITIES, NEW_SEVERITIES)))
        for plain, slot, scope in SLOT.findall(template):
            self.write(plain)
            if slot:
                self.fill(slot, scopes[scope])
        for finding in scopes.values():
            self.attach(finding)

    def fill(self, slot: str, scope: Scope) -> None:
        """Append the text and entities of a slot."""
        match slot:
            case "vessel":
                self.add_vessel(scope)
            case "vessels":
                self.add_list(scope, self.random.randint(2, 3), with_stretches=False)
            case "place" | "places":
                self.add_vessel(scope)
                self.add_stretches(scope, 1 if slot == "place" else self.random.randint(2, 3))
            case "several":
                self.add_list(scope, self.random.randint(2, 3), self.random.random() < 0.85)
            case "list":
                self.add_list(scope, self.random.randint(2, 6), self.random.random() < 0.7)
            case "more":
                self.add_stretches(scope, 1)
            case "far" | "inside":
                self.add_stretch(scope, self.pick(WORDS[slot], NEW_WORDS[slot]))
            case "bridge":
                self.add_vessel(scope, BRIDGED)
                self.add_stretch(scope, "中段")
            case "chamber":
                word = self.pick(WORDS[slot], NEW_WORDS[slot])
                scope.places.append(self.mention(word, "BodyPart"))
            case _:
                self.add_word(slot, scope)

    def add_word(self, slot: str, scope: Scope) -> None:
        """Append a word of the vocabulary, and record its relation in the scope."""
        known = getattr(scope.severity, slot, None)
        word = self.pick(known) if known and slot in ("grade", "percent") else ""
        word = word or self.pick(WORDS[slot], NEW_WORDS.get(slot, ()))
        plain, _, word = word.format(self.pick(scope.severity.timi)).rpartition("|")
        self.write(plain)
        if slot not in ROLES:
            return self.write(word)
        kind, relation = ROLES[slot]
        style = self.numbers if kind == "Quantifier" else {}
        index = self.mention(word.translate(style), kind)
        if relation:
            scope.claims.append((index, relation))

    def add_vessel(self, scope: Scope, wanted: Vessel | None = None) -> None:
        """Append a vessel that the sentence has not mentioned yet.

        scope (Scope): The finding of the vessel.
        wanted (Vessel | None): The vessel; the next one if None.
        """
        vessel = wanted or next(iter(self.vessels), None)
        if vessel not in self.vessels:
            raise UnfitError
        self.vessels.remove(vessel)
        names, new_names = self.styled(vessel.names), self.styled(vessel.new_names)
        self.vessel = self.mention(self.pick(names, new_names), "BodyPart")
        self.stretches = list(self.pick(vessel.courses, vessel.new_courses))
        scope.vessels.append(self.vessel)
        scope.places.append(self.vessel)

    def styled(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Keep only names in the style of the sentence, abbreviated or not, if there are any."""
        return tuple(name for name in names if name.isascii() == self.abbreviated) or names

    def add_stretches(self, scope: Scope, count: int, joiner: str = "及") -> None:
        """Append stretches of the last vessel, downstream of those already mentioned.

        scope (Scope): The finding of the stretches.
        count (int): The maximum number of stretches.
        joiner (str): The text before the last stretch.
        """
        room = len(self.stretches)
        if not room:
            raise UnfitError
        picked = sorted(self.random.sample(range(room), min(count, room)))
        for position in picked:
            if position != picked[0]:
                self.write(joiner if position == picked[-1] else "、")
            self.add_stretch(scope, self.stretches[position])
        self.stretches = self.stretches[picked[-1] + 1 :]

    def add_stretch(self, scope: Scope, text: str) -> None:
        """Append a stretch of the last vessel, which replaces it as place of the finding."""
        index = self.mention(text, "Location")
        self.relate(self.vessel, index, "Position")
        if self.vessel in scope.places:
            scope.places.remove(self.vessel)
        scope.places.append(index)

    def add_list(self, scope: Scope, size: int, with_stretches: bool) -> None:
        """Append coordinated places: either all vessels have stretches, or none.

        In a mixed list, it would be ambiguous to which vessels a stretch belongs.

        scope (Scope): The finding of the places.
        size (int): The number of places.
        with_stretches (bool): Whether the vessels have stretches.
        """
        joiner = self.pick(JOINERS, NEW_JOINERS)
        self.vessels[:size] = sorted(self.vessels[:size], key=VESSELS.index)
        while (left := size - len(scope.places)) > 0:
            count = min(left, self.random.randint(1, 3)) if with_stretches else 1
            if scope.places:
                self.write(joiner if count == left else "、")
            self.add_vessel(scope)
            if with_stretches:
                self.add_stretches(scope, count, "、")
            if count == left:
                break

    def attach(self, scope: Scope) -> None:
        """Relate the words of a scope to its places; flow relates to the vessel if there is one."""
        for index, name in scope.claims:
            flow = name == "Flow"
            for place in scope.vessels if flow and scope.vessels else scope.places:
                self.relate(index, place, "Percentage" if flow else name)

    def record(self) -> Record:
        """Get the finished sentence.

        RETURNS (Record): The sentence with its annotations.
        """
        return Record(
            text=self.text,
            entities=self.entities,
            relations=sorted(self.relations),
            unseen=False,
            novelty=[],
            shapes=self.shapes,
        )


def write_sentence(random: Random, wish: Wish) -> Record:
    """Write a sentence with some findings, and optionally an opener and a closer.

    random (Random): The random number generator.
    wish (Wish): The requirements. Length, novelty and size are left to chance.
    RETURNS (Record): The sentence.
    """
    writer = Writer(random, "word" in wish.novelty)
    clauses = random.sample(CLAUSES, random.randint(1, 3))
    if wish.clause and wish.clause not in clauses:
        clauses[0] = wish.clause
        random.shuffle(clauses)
    openers = random.sample(OPENERS, random.random() < 0.6) + [random.choice(REMARKS)] * wish.long
    closers = (
        random.sample(CLOSERS, random.random() < 0.5) + [random.choice(CONCLUSIONS)] * wish.long
    )
    for clause in openers + clauses + closers:
        if writer.text and not writer.text.endswith(("：", ":")):
            writer.write("。" if clause in CONCLUSIONS else random.choice("，，；；。"))
        writer.add_clause(clause)
    writer.write("。")
    return writer.record()


def masked(text: str) -> str:
    """Replace all digits by 0, to compare sentences without their numbers."""
    return text.translate(MASK)


class Corpus:
    """Corpus to which sentences are added one by one. Among several candidates, the one that best
    approaches the target proportions is chosen.

    random (Random): The random number generator.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.counts: Counter[str] = Counter()
        self.shapes: Counter[int] = Counter()
        self.texts: set[str] = set()

    def add_split(self, size: int, train: Sequence[Record] = ()) -> list[Record]:
        """Write a split. If there are training sentences, every other sentence is unseen.

        size (int): The number of sentences.
        train (Sequence[Record]): The training sentences; empty to write the training split.
        RETURNS (list[Record]): The sentences.
        """
        words = {masked(word) for record in train for *_, word, _ in record["entities"]}
        records = []
        for position in range(size):
            wish = self.wish(position, bool(train))
            candidates = [self.candidate(wish, words) for _ in range(CANDIDATES)]
            records.append(min(candidates, key=self.imbalance))
            self.counts.update(labels(records[-1]))
            self.shapes.update(records[-1]["shapes"])
            self.texts.add(masked(records[-1]["text"]))
        return records

    def wish(self, position: int, held_out: bool) -> Wish:
        """Determine the requirements for the next sentence of a split.

        All candidates have the same size, otherwise the smallest would always win. All clauses are
        required in turn, otherwise those far from the proportions would never be chosen.

        position (int): The index of the sentence in its split.
        held_out (bool): Whether every other sentence is unseen.
        RETURNS (Wish): The requirements.
        """
        unseen = held_out and position % 2 == 1
        novelty = NOVELTIES[position // 2 % 3] if unseen else ()
        clause = CLAUSES[position // 3 % len(CLAUSES)] if position % 3 == 0 else ""
        if "shape" in novelty:
            clause = NEW_CLAUSES[position // 2 % len(NEW_CLAUSES)]
        long = position % 7 == 0
        sizes = (11, 14) if long or clause else (6, 12)
        return Wish(novelty, clause, long, self.random.randint(*sizes))

    def candidate(self, wish: Wish, words: set[str]) -> Record:
        """Write sentences until one has the required length and novelty.

        wish (Wish): The requirements.
        words (set[str]): The masked entity strings of the training split; empty while writing it.
        RETURNS (Record): The sentence.
        """
        while True:
            try:
                record = write_sentence(self.random, wish)
            except UnfitError:
                continue
            record["unseen"] = bool(wish.novelty)
            record["novelty"] = novelty(record, words) if words else []
            lengths = LONG if wish.long else CHARACTERS
            fits = len(record["text"]) in lengths and abs(len(record["entities"]) - wish.size) <= 1
            fresh = masked(record["text"]) not in self.texts
            if fits and fresh and record["novelty"] == list(wish.novelty):
                return record

    def imbalance(self, record: Record) -> float:
        """Measure the deviation of the counts from the targets after adding a sentence.

        record (Record): The sentence.
        RETURNS (float): The sum of squared deviations, each relative to its target, plus a small
            penalty for clauses that are already frequent.
        """
        counts = self.counts + Counter(labels(record))
        entities = sum(counts[name] for name in TARGETS if "_" not in name)
        scale = entities / TARGET_ENTITIES
        deviation = sum(
            (counts[name] - scale * target) ** 2 / target for name, target in TARGETS.items()
        )
        return deviation + REPETITION * sum(self.shapes[shape] for shape in record["shapes"])


def labels(record: Record) -> list[str]:
    """List the entity types and relation labels of a sentence, and its unrelated quantifiers.

    record (Record): The sentence.
    RETURNS (list[str]): The names, with repetitions.
    """
    related = {index for first, second, _ in record["relations"] for index in (first, second)}
    kinds = [kind for *_, kind in record["entities"]]
    idle = [kind for index, kind in enumerate(kinds) if index not in related]
    names = [name for *_, name in record["relations"]]
    return kinds + names + ["Quantifier_idle"] * idle.count("Quantifier")


def novelty(record: Record, words: set[str]) -> list[str]:
    """List the kinds of novelty of a sentence.

    record (Record): The sentence.
    words (set[str]): The masked entity strings of the training sentences.
    RETURNS (list[str]): "word", "shape", both or none.
    """
    new_word = any(masked(word) not in words for *_, word, _ in record["entities"])
    new_shape = any(ALL_CLAUSES[shape] in NEW_CLAUSES for shape in record["shapes"])
    return ["word"] * new_word + ["shape"] * new_shape


def generate(seed: int, sentences: int) -> dict[str, list[Record]]:
    """Write the corpus.

    seed (int): The random seed.
    sentences (int): The total number of sentences.
    RETURNS (dict[str, list[Record]]): The splits by name, 8:1:1, with the test split in two parts.
    """
    corpus = Corpus(Random(seed))
    held_out = sentences // 10
    train = corpus.add_split(sentences - 2 * held_out)
    dev, test = (corpus.add_split(held_out, train) for _ in range(2))
    seen = [record for record in test if not record["unseen"]]
    unseen = [record for record in test if record["unseen"]]
    return {"train": train, "dev": dev, "test_seen": seen, "test_unseen": unseen}


def serialize(records: Iterable[Record]) -> str:
    """Format a split as a JSON list with one sentence per line."""
    lines = (json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in records)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main(output_dir: Path = Path("assets/coronary"), seed: int = 42, sentences: int = 700) -> None:
    """Write train.json, dev.json, test_seen.json and test_unseen.json."""
    output_dir.mkdir(parents=True, exist_ok=True)
    for name, records in generate(seed, sentences).items():
        (output_dir / f"{name}.json").write_text(serialize(records), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
