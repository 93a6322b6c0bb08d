"""Fill in the templates."""

from importlib.resources import files
from pathlib import Path

from spacy.util import get_lang_class
from thinc.api import Config

from ..doc.languages import check_language
from ..encoders import resolve_name
from .text import get_lines, set_lines, set_value, write_lines

# Other languages start from the English config.
TEMPLATES = {"en": "english", "zh": "chinese"}
# What the demo, whose encoder starts from random weights, has of its own: the rates at which
# encoder and heads learn, and the number of updates.
FRESH = (
    "components.str_encoder.model",
    "training",
    "training.batcher",
    "training.optimizer",
    "training.optimizer.learn_rate",
)
# The score weights that the documentation recommends.
NESTED = {"ents_f": 0.0, "spans_sc_f": 0.5}
ATTRIBUTES = {"attrs_f": 0.3}


def make_config(
    *,
    lang: str = "en",
    encoder: str | None = None,
    fresh: bool = False,
    nested: bool = False,
    attributes: bool = False,
) -> str:
    """Make the config of a pipeline for entities and relations.

    lang (str): The code of a language of spaCy.
    encoder (str | None): The name of the encoder, see `load_encoder`. If None, that of the
        template, which English and Chinese have.
    fresh (bool): Whether the encoder was made by `init_encoder`.
    nested (bool): Whether entities may overlap.
    attributes (bool): Whether entities have attributes.
    RETURNS (str): The text of the config, with comments.
    RAISES (ValueError): If the language is unknown, or the encoder is missing.
    """
    check_language(lang)
    text = _read_template(TEMPLATES.get(lang, "english"))
    if fresh and not (encoder and Path(encoder).is_dir()):
        raise ValueError(
            f"--fresh requires --encoder, a folder made by init-encoder, got {encoder or 'none'}"
        )
    if encoder is not None:
        text = _use_encoder(text, encoder)
    elif lang not in TEMPLATES:
        raise ValueError(
            f"--lang {lang} requires --encoder: a name on the Hugging Face hub, such as "
            "xlm-roberta-base, or the folder of an encoder"
        )
    text = text if lang in TEMPLATES else _use_language(text, lang)
    text = _use_fresh(text) if fresh else text
    text = _use_nested(text) if nested else text
    return _use_attributes(text) if attributes else text


def _read_template(name: str) -> str:
    return files(__package__).joinpath(f"{name}.cfg").read_text("utf-8")


def _use_encoder(text: str, encoder: str) -> str:
    resolve_name(encoder)
    # The comment at the top is about the encoder of the template.
    text = text[text.index("[paths]") :]
    return set_value(text, "paths", "encoder", encoder)


def _use_language(text: str, lang: str) -> str:
    tokenizer = get_lang_class(lang).default_config["nlp"]["tokenizer"]
    text = set_lines(text, "nlp.tokenizer", write_lines(tokenizer))
    return set_value(text, "nlp", "lang", lang)


def _use_fresh(text: str) -> str:
    demo = _read_template("coronary")
    for section in FRESH:
        text = set_lines(text, section, get_lines(demo, section))
    return text


def _use_nested(text: str) -> str:
    text = set_value(text, "components.str_ner", "spans_key", "sc")
    return _weigh(text, NESTED)


def _use_attributes(text: str) -> str:
    names = Config().from_str(text, interpolate=False)["nlp"]["pipeline"]
    before = names.index("str_cleaner")
    names = [*names[:before], "str_attr", *names[before:]]
    return _weigh(set_value(text, "nlp", "pipeline", names), ATTRIBUTES)


def _weigh(text: str, weights: dict[str, float]) -> str:
    for name, weight in weights.items():
        text = set_value(text, "training.score_weights", name, weight)
    return text
