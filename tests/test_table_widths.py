"""Tables and advice are printed whole, whatever the width of the terminal."""

import io
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from rich.console import Console, RenderableType

from spacy_str_encoder.benchmark.run import Report as Speeds
from spacy_str_encoder.benchmark.tables import lay_out as lay_out_speeds
from spacy_str_encoder.cli.list_formats import lay_out as lay_out_formats
from spacy_str_encoder.debug_data.advice import give_advice
from spacy_str_encoder.debug_data.collect import Statistics
from spacy_str_encoder.debug_data.findings import Finding
from spacy_str_encoder.debug_data.settings import make_settings
from spacy_str_encoder.debug_data.split import SplitStatistics
from spacy_str_encoder.debug_data.tables import lay_out as lay_out_statistics
from spacy_str_encoder.doc.relation import Place
from spacy_str_encoder.evaluation import make_report
from spacy_str_encoder.evaluation.attributes import AttributeOutcome
from spacy_str_encoder.evaluation.outcomes import EntityOutcome, Outcomes, RelationOutcome
from spacy_str_encoder.evaluation.tables import lay_out as lay_out_scores
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.registry import all_formats
from spacy_str_encoder.pretraining.run import Summary
from spacy_str_encoder.pretraining.tables import lay_out as lay_out_summary

NLP = make_tokenizer("en")
Blocks = list[RenderableType]
WIDE = 1000
# Odd and even ones, since wide characters take two columns.
WIDTHS = range(40, 201, 3)


def print_blocks(blocks: Iterable[RenderableType], width: int, *, is_terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=is_terminal, color_system=None)
    for block in blocks:
        console.print(block)
    return file.getvalue()


def without_space(text: str) -> str:
    return "".join(text.split())


def make_statistics() -> Statistics:
    split = SplitStatistics(docs=9, tokens=90, annotated=5)
    split.entity_labels.update({"解剖部位": 3, "检查结果描述": 2})
    split.attributes.update({("检查结果描述", "断言状态", "不能确定"): 12345})
    split.without_attributes.update({"检查结果描述": 2})
    split.relation_labels.update({"位于某个部位": 3, "修饰": 2})
    split.relation_classes.update({("位于某个部位", ">"): 3, ("修饰", "<"): 2})
    split.triples.update({("检查结果描述", "位于某个部位", "解剖部位"): 12345})
    split.distances.update({0: 12345, 60: 2})
    split.lost["没有标签的实体"] = Finding(12345, ["doc 1: '左主干' (检查结果描述, 0-3)"])
    return Statistics(dict.fromkeys(("train", "dev", "test"), split), {}, make_settings("zh"))


def make_outcomes() -> Outcomes:
    head: Place = (0, 1, "检查结果描述")
    tail: Place = (2, 3, "解剖部位")
    label, other = (head, tail, "位于某个部位"), (head, tail, "修饰")
    values = [(head, "断言状态", value) for value in ("断言状态=不能确定", "断言状态=否定的")]
    relations = [RelationOutcome({label: 1}, [other], [0.75], True, {head, tail}, {head, tail})]
    attributes = [AttributeOutcome({values[0]}, [values[1]], [0.5], True)]
    entities = [EntityOutcome({head, tail}, [head, tail], [1.0, 1.0], True)]
    return Outcomes(
        frozenset(), 1, entities, relations, relations, attributes, attributes, sets_attributes=True
    )


def make_speeds() -> Speeds:
    speed = {"median": 12345.0, "lowest": 10.0, "highest": 20.0}
    return {  # type: ignore[typeddict-item]
        "machine": {
            "processor": "龙芯处理器",
            "cores": 1,
            "gpu": None,
            "threads": 1,
            "torch": "2.6.0",
            "precision": {"文本编码器": "float32"},
            "has_bfloat16_units": False,
        },
        "texts": 1000,
        "characters": 66_000,
        "rejected": {"没有文本": 2},
        "batch_size": 64,
        "rounds": 5,
        "texts_per_second": speed,
        "characters_per_second": speed,
        "seconds": {"tokenizer": 1.0, "用于中文病历文本的[命名]实体识别组件": 7.0},
        "target": {"texts_per_second": 50_000, "processes": 1},
    }


def make_summary() -> Summary:
    evaluation = {"step": 12345, "loss": 1.5, "perplexity": 12345.67}
    sizes = dict.fromkeys(("texts", "windows", "pieces", "held_out_texts", "unknown_pieces"), 1)
    return {  # type: ignore[typeddict-item]
        "sizes": sizes,
        "has_fresh_head": True,
        "resumed_at": 12345,
        "evaluations": [evaluation],
    }


def make_score_blocks() -> Blocks:
    outcomes = make_outcomes()
    return [*lay_out_scores(make_report(outcomes, outcomes, samples=2), details=True)]


BLOCKS: dict[str, tuple[Callable[[], Blocks], list[str]]] = {
    "evaluate": (
        make_score_blocks,
        ["检查结果描述", "位于某个部位", "断言状态=不能确定", "predicted", "1 doc,"],
    ),
    "convert --list-formats": (
        lambda: [lay_out_formats(all_formats(NLP, spans_key="sc").values(), NLP)],
        ["label-studio", ".jsonl", "attributes", "relations"],
    ),
    "benchmark": (
        lambda: [*lay_out_speeds(make_speeds())],
        ["用于中文病历文本的[命名]实体识别组件", "12,345", "1 logical core;", "1 core like"],
    ),
    "debug-data": (
        lambda: [*lay_out_statistics(make_statistics())],
        ["检查结果描述", "位于某个部位", "不能确定", "12,345"],
    ),
    "pretrain": (
        lambda: [*lay_out_summary(make_summary())],
        ["perplexity", "12,345.67", "1 text in 1 window of 1 piece; 1 text held out"],
    ),
}


def count_characters(printed: str) -> Counter[str]:
    """All but space and the rules below headers, which depend on the width."""
    return Counter(without_space(printed).replace("─", ""))


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("command", BLOCKS)
def test_nothing_is_lost_at_any_width(command: str, is_terminal: bool) -> None:
    make, texts = BLOCKS[command]
    blocks = make()
    whole = print_blocks(blocks, WIDE, is_terminal=is_terminal)
    assert "…" not in whole and all(text in whole for text in texts), whole
    expected = count_characters(whole)
    for width in WIDTHS:
        printed = print_blocks(blocks, width, is_terminal=is_terminal)
        assert count_characters(printed) == expected, f"{width}\n{printed}"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_advice_is_whole_at_every_width(is_terminal: bool) -> None:
    statistics = make_statistics()
    advice = [*map(without_space, give_advice(statistics))]
    assert any("检查结果描述" in each for each in advice)
    [*_, table] = lay_out_statistics(statistics)
    for width in range(40, 201):
        printed = without_space(print_blocks([table], width, is_terminal=is_terminal))
        assert all(each in printed for each in advice), width
