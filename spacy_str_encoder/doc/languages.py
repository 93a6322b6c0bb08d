"""Codes of languages that spaCy knows."""

from difflib import get_close_matches
from pkgutil import iter_modules

import spacy.lang
from spacy import Config
from spacy.util import get_lang_class

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


def check_language(language: str) -> None:
    """Check that spaCy knows a language.

    language (str): The code.
    RAISES (ValueError): If it does not. The error names the code that was probably meant.
    """
    try:
        get_lang_class(language)
    except ImportError:
        raise ValueError(_describe_unknown(language)) from None


def check_language_of(config: Config) -> None:
    """Check that spaCy knows the language of a config.

    config (Config): The config.
    RAISES (ValueError): If it has a language that spaCy does not know.
    """
    language = config.interpolate().get("nlp", {}).get("lang")
    if language is not None:
        check_language(language)


def _describe_unknown(language: str) -> str:
    lowered = language.lower()
    known = [module.name for module in iter_modules(spacy.lang.__path__) if module.ispkg]
    found = [USUAL[lowered]] if lowered in USUAL else get_close_matches(lowered, known, n=1)
    hint = f". Did you mean {found[0]}?" if found else ""
    return UNKNOWN.format(language=language, hint=hint)
