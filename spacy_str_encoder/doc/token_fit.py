"""Data whose entities do not begin and end where tokens do, since the language is another one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from spacy.tokens import Doc

from .chinese import ChineseCounts
from .misaligned import get_misaligned_entities

# From this share on, the tokens are those of another language.
MOST = 0.5


@dataclass
class TokenFit:
    """Counts of docs, to tell whether tokens suit their texts and entities.

    entities (int): Number of annotated entities, also of those that do not align.
    misaligned (int): Number of entities that do not align with tokens of the data or the pipeline.
    data (ChineseCounts): Chinese characters, and the tokens of the data that hold them.
    pipeline (ChineseCounts): The same for the tokens of the pipeline.
    """

    entities: int = 0
    misaligned: int = 0
    data: ChineseCounts = field(default_factory=ChineseCounts)
    pipeline: ChineseCounts = field(default_factory=ChineseCounts)

    def add(self, gold: Doc, doc: Doc, *, entities: int, misaligned: int) -> None:
        """Count a doc.

        gold (Doc): The annotated doc.
        doc (Doc): The same text in the tokens of the pipeline.
        entities (int): Number of entities of the annotated doc.
        misaligned (int): Number of these that do not align with the tokens of the pipeline.
        """
        kept_apart = len(get_misaligned_entities(gold))
        self.entities += entities + kept_apart
        self.misaligned += misaligned + kept_apart
        self.data.add(gold)
        self.pipeline.add(doc)

    @property
    def is_other_language(self) -> bool:
        """RETURNS (bool): Whether the tokens are those of another language."""
        return self.looks_chinese or self.misaligned > MOST * self.entities

    @property
    def looks_chinese(self) -> bool:
        """RETURNS (bool): Whether the texts are Chinese, and not split into words."""
        return self.data.are_whole or self.pipeline.are_whole


def describe_misfit(fits: Mapping[str, TokenFit], *, lang: str | None) -> str | None:
    """Describe data whose tokens are those of another language.

    fits (Mapping[str, TokenFit]): Counts of each split by name.
    lang (str | None): The language of the pipeline; None if only the tokens of the data are known.
    RETURNS (str | None): The share of entities that do not align, the cause and the remedy; None if
        the tokens fit.
    """
    misfits = {name: fit for name, fit in fits.items() if fit.is_other_language}
    if not misfits:
        return None
    return f"{_name_shares(misfits)}: {_name_cause(misfits.values(), lang)}"


def _name_shares(misfits: Mapping[str, TokenFit]) -> str:
    shares = [
        f"{fit.misaligned / fit.entities:.0%} of the entities of {name}".replace("%", " %", 1)
        for name, fit in misfits.items()
        if fit.misaligned
    ]
    if not shares:
        return "Hardly any entity can align with words"
    return f"{' and '.join(shares)} do not align with words"


def _name_cause(misfits: Iterable[TokenFit], lang: str | None) -> str:
    misfits = list(misfits)
    if not any(fit.looks_chinese for fit in misfits):
        language = "the language" if lang is None else f"the language {lang}"
        return (
            f"{language} may not be that of the texts. Convert again with their --lang, and set "
            "the same lang under [nlp] of the config. Otherwise, use a tokenizer that splits "
            "there, or correct the annotation."
        )
    if lang is None or not any(fit.pipeline.are_whole for fit in misfits):
        return "the text looks Chinese, but is not split into words. Convert again with --lang zh."
    return (
        f"the language is {lang}, the text looks Chinese. Convert again with --lang zh, and set "
        'lang = "zh" under [nlp] of the config.'
    )
