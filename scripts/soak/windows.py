"""Long reports: predictions near the border of a window compared with those in its middle."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy_transformers.span_getters import configure_strided_spans

# In tokens: the distance from a border that counts as near.
NEAR = 8
WINDOW, STRIDE = 64, 48
# The first and the last token of an entity or relation, and a description of it.
Found = tuple[int, int, str]


@dataclass(frozen=True)
class Agreement:
    """The agreement of predictions in one window and in many.

    same (int): The number of entities and relations predicted in both.
    different (int): The number of those predicted in only one.
    """

    same: int = 0
    different: int = 0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(self.same + other.same, self.different + other.different)

    def __str__(self) -> str:
        total = self.same + self.different
        return f"{100 * self.same / max(1, total):.1f} % of {total}"


def compare_windows(nlp: Language, report: str) -> tuple[Agreement, Agreement]:
    """Annotate a report in one window and in many, and compare.

    nlp (Language): The pipeline. Its windows have `WINDOW` tokens afterwards.
    report (str): The report, short enough for one window.
    RETURNS (tuple[Agreement, Agreement]): The agreement near window borders, and elsewhere.
    """
    expected = set(_find(_annotate(nlp, report, window=len(report), stride=len(report))))
    doc = _annotate(nlp, report, window=WINDOW, stride=STRIDE)
    found, borders = set(_find(doc)), list(_borders(len(doc)))
    agreements = {True: Agreement(), False: Agreement()}
    for first, last, label in expected | found:
        is_near = any(abs(token - border) <= NEAR for token in (first, last) for border in borders)
        is_same = (first, last, label) in expected & found
        agreements[is_near] += Agreement(int(is_same), int(not is_same))
    return agreements[True], agreements[False]


def _annotate(nlp: Language, report: str, *, window: int, stride: int) -> Doc:
    get_spans = configure_strided_spans(window, stride)
    encoder: Any = nlp.get_pipe("str_encoder")
    encoder.model.attrs["get_spans"] = get_spans
    return nlp(report)


def _find(doc: Doc) -> Iterator[Found]:
    for entity in doc.ents:
        yield entity.start, entity.end - 1, entity.label_
    for relation in doc._.relations:
        first, second = sorted([relation.head, relation.tail], key=lambda span: span.start)
        # Pairs that are farther apart never share a small window.
        if second.end - first.start <= WINDOW - STRIDE:
            yield first.start, second.end - 1, f"{relation.head.start} {relation.label}"


def _borders(n_tokens: int) -> Iterator[int]:
    for start in range(0, n_tokens - WINDOW, STRIDE):
        yield start + STRIDE
        yield start + WINDOW
