"""Vocabulary of the demo corpus: vessels, words, templates of clauses and styles of writing.

What is named NEW_ is held out: it occurs only in unseen sentences.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Vessel:
    """Vessel of the heart.

    names (tuple[str, ...]): Its names.
    new_names (tuple[str, ...]): Its held-out names.
    courses (tuple[tuple[str, ...], ...]): Divisions of its course, from the ostium downstream.
    new_courses (tuple[tuple[str, ...], ...]): Held-out divisions.
    """

    names: tuple[str, ...]
    new_names: tuple[str, ...]
    courses: tuple[tuple[str, ...], ...]
    new_courses: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Severity:
    """Words and numbers for stenoses of the same severity.

    grade (tuple[str, ...]): Words for the severity.
    percent (tuple[str, ...]): Shares of the lumen that are lost.
    timi (tuple[str, ...]): TIMI grades of the flow.
    """

    grade: tuple[str, ...]
    percent: tuple[str, ...]
    timi: tuple[str, ...]


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

# A bar separates the plain text before an entity from the entity. {} stands for the TIMI grade.
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
# Entity type and relation of each slot. An entity without a relation is a distractor.
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

# The digit after a slot numbers its finding: words relate only to places of the same finding.
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
