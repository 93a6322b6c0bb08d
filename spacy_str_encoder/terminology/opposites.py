"""Terms that are similar, but mean something else: numbers, negations, sides, and opposites."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from string import ascii_lowercase

from .normal_form import IDEOGRAPHS

# Terms with the same meaning have the same of these, in the same order: numbers and signs.
NUMBER = re.compile(
    r"\d+(?:\.\d+)?|(?<![a-z])(?:i{1,3}|iv|vi{1,3}|ix)(?![a-z])|[一二三四五六七八九十]|[+\u2212]"
    r"|\b(?:first|second|third|fourth|fifth)\b"
)
# They have the same of these too, each before the same character.
NEGATION = re.compile(r"([无非不未失再]|\b(?:no|non|not|without|ex)\b)(?= ?(.?))")
# If both have any of a row, these are the same, in the same order: sides, and letters of types.
SIDES = ("左/右/双", "left/right/bilateral", "/".join(ascii_lowercase))
# One may lack some of these, but has no other one of a row in their place: opposites, what lies
# between them, and what is easily exchanged. Beginnings of words, words, and Chinese ones.
PREFIXES = (
    "hypo/hyper intra/inter/extra pre/post ante/post ante/retro antero/postero brady/tachy "
    "micro/macro oligo/poly homo/hetero exo/endo supra/infra"
)
WORDS = (
    "acute/subacute/chronic early/late primary/secondary congenital/acquired benign/malignant "
    "positive/negative increase/decrease increased/decreased increased/reduced preserved/reduced "
    "elevated/decreased elevated/reduced elevation/depression high/low large/small well/poorly "
    "systolic/diastolic ascending/descending flexion/extension abduction/adduction "
    "inversion/eversion valgus/varus afferent/efferent agonist/antagonist inspiratory/expiratory "
    "anterograde/retrograde antegrade/retrograde paroxysmal/persistent/permanent male/female "
    "anterior/posterior/inferior/lateral superior/inferior upper/middle/lower proximal/mid/distal "
    "medial/lateral internal/external unilateral/bilateral open/closed mild/moderate/severe "
    "resistant/sensitive acidosis/alkalosis arterial/venous artery/vein epidural/subdural "
    "mitral/aortic/tricuspid/pulmonary"
)
CHINESE = (
    "急性/亚急性/慢性 早/晚 原发/继发 先天/后天 良性/恶性 真性/假性 显性/隐性 阳/阴 增/减 升/降 "
    "高/低 大/小 快/慢 深/浅 过速/过缓 过多/过少 吸气/呼气 收缩/舒张 缺血/出血 男/女 "
    "前/后 前壁/侧壁/下壁/后壁 前向/逆向 偏心/向心 上/中/下 近/中/远 内/外 同侧/对侧 单/双 "
    "开放/闭合 硬膜外/硬膜下 动脉/静脉 主动脉/肺动脉/肺静脉/二尖/三尖 房/室 房性/室性/室上性 "
    "甲/乙/丙/丁/戊 酸中毒/碱中毒 耐/敏感 轻/中/重"
)
# As short a word may be the rest of another one by chance.
SHORTEST = 4
# A word of another script than Chinese.
LATIN = re.compile(f"[^ {IDEOGRAPHS}]+")
# A word or Chinese characters, and the first character of what follows.
Found = tuple[str, str]


def _read(rows: Iterable[str]) -> list[frozenset[str]]:
    return [frozenset(row.split("/")) for row in rows]


def _any_of(rows: str) -> str:
    """RETURNS (str): A pattern of what the rows hold. Posterior is not post-, nor 慢性 慢."""
    return "|".join(sorted(re.split("[/ ]", rows), key=len, reverse=True))


STRICT = _read(SIDES)
LENIENT = _read(f"{PREFIXES} {WORDS} {CHINESE}".split())
SIDE = re.compile(
    rf"({SIDES[0].replace('/', '|')}|(?<![a-z])(?:{_any_of(' '.join(SIDES[1:]))})(?![a-z]))"
    "(?= ?(.?))"
)
OPPOSITE = re.compile(
    rf"((?<![a-z])(?:(?:{_any_of(WORDS)})(?![a-z])|{_any_of(PREFIXES)})|{_any_of(CHINESE)})"
    "(?= ?(.?))"
)


def may_be_same(form: str, other: str) -> bool:
    """Check that two terms have the same numbers, signs and negations, and neither different sides
    nor opposites.

    form (str): The normal form of one.
    other (str): That of the other.
    RETURNS (bool): Whether they may mean the same.
    """
    if NUMBER.findall(form) != NUMBER.findall(other):
        return False
    if sorted(NEGATION.findall(form)) != sorted(NEGATION.findall(other)):
        return False
    for pattern, rows, is_strict in ((SIDE, STRICT, True), (OPPOSITE, LENIENT, False)):
        pairs = _split(pattern.findall(form), pattern.findall(other), rows)
        if not all(_agree(*pair, is_strict=is_strict) for pair in pairs):
            return False
    return not _have_other_beginnings(form, other)


def _split(
    ours: list[Found], theirs: list[Found], rows: list[frozenset[str]]
) -> Iterator[tuple[list[Found], list[Found]]]:
    """YIELDS (tuple[list, list]): What both terms have of each row that one has words of."""
    words = {word for word, _ in ours}
    for row in rows:
        if not row.isdisjoint(words):
            yield (
                [each for each in ours if each[0] in row],
                [each for each in theirs if each[0] in row],
            )


def _agree(ours: list[Found], theirs: list[Found], *, is_strict: bool) -> bool:
    """RETURNS (bool): Whether words of a row stand in the same order, or each before another
    character: acute bronchitis with a chronic cough is not chronic bronchitis with an acute cough.
    One term may lack all of them, and unless this is strict, also some.
    """
    shorter, longer = sorted(([word for word, _ in each] for each in (ours, theirs)), key=len)
    tells = len({after for _, after in ours}) == len({*longer})
    if tells and sorted(ours) == sorted(theirs):
        return True
    return not shorter or shorter == longer if is_strict else _is_part(shorter, longer)


def _is_part(words: list[str], of: list[str]) -> bool:
    """RETURNS (bool): Whether the words are among the others, in the same order."""
    rest = iter(of)
    return all(word in rest for word in words)


def _have_other_beginnings(form: str, other: str) -> bool:
    """RETURNS (bool): Whether a word of one term has a beginning that it lacks in the other, as in
    atypical, decompensated, restenosis and supraventricular.
    """
    words = [LATIN.findall(each) for each in (form, other)]
    # Otherwise, a space may be missing.
    if len(words[0]) != len(words[1]):
        return False
    ours, theirs = map(set, words)
    pairs = product(ours - theirs, theirs - ours)
    shorter_first = (sorted(pair, key=len) for pair in pairs)
    return any(len(one) >= SHORTEST and two.endswith(one) for one, two in shorter_first)
