"""Codes of languages that spaCy knows."""

from difflib import get_close_matches
from pkgutil import iter_modules

import spacy.lang

UNKNOWN = (
    "the language must be a code that spaCy knows, such as en or zh, got '{language}'{hint} "
    "(https://spacy.io/usage/models#languages)"
)
# What is often written in place of a code: country codes and English names.
USUAL = {
    "cn": "zh",
    "jp": "ja",
    "kr": "ko",
    "ua": "uk",
    "gb": "en",
    "us": "en",
    "br": "pt",
    "chinese": "zh",
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
    "ukrainian": "uk",
}


def describe_unknown(language: str) -> str:
    """Describe a language that spaCy does not know.

    language (str): The code or name that was given.
    RETURNS (str): The message, with the most similar code, if any.
    """
    lowered = language.lower()
    known = [module.name for module in iter_modules(spacy.lang.__path__) if module.ispkg]
    found = [USUAL[lowered]] if lowered in USUAL else get_close_matches(lowered, known, n=1)
    hint = f". Did you mean {found[0]}?" if found else ""
    return UNKNOWN.format(language=language, hint=hint)
