"""Advice is printed whole, whatever the width of the terminal."""

import io

import pytest
from rich.console import Console

from spacy_str_encoder.debug_data.advice import give_advice
from spacy_str_encoder.debug_data.collect import Statistics
from spacy_str_encoder.debug_data.settings import make_settings
from spacy_str_encoder.debug_data.split import SplitStatistics
from spacy_str_encoder.debug_data.tables import lay_out


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("is_terminal", [True, False])
def test_advice_is_whole_at_every_width(is_terminal: bool) -> None:
    split = SplitStatistics(docs=9, tokens=90, annotated=5)
    split.entity_labels.update({"解剖部位": 3, "检查结果描述": 2})
    split.relation_labels.update({"位于某个部位": 3, "修饰": 2})
    statistics = Statistics({"train": split}, {}, make_settings("zh"))
    advice = [*map(without_space, give_advice(statistics))]
    assert any("检查结果描述" in each for each in advice)
    [*_, table] = lay_out(statistics)
    for width in range(40, 201):
        console = Console(
            file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=None
        )
        console.print(table)
        printed = without_space(console.file.getvalue())  # type: ignore[attr-defined]
        assert all(each in printed for each in advice), width
