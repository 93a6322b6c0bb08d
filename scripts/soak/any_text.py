"""Arbitrary texts: a pipeline must annotate them without errors, and the same in any batch."""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin

from .outcome import Outcome, compare_docs

CHECK = "any text: nlp, nlp.pipe, DocBin"
# Any characters, combining marks, right-to-left scripts, joiners and emojis, spaces with control
# and private-use characters, and Chinese findings.
ALPHABETS = [
    st.characters(exclude_categories=["Cs"]),
    st.characters(categories=["Mn", "Me", "Ll"]),
    st.characters(min_codepoint=0x590, max_codepoint=0x8FF),
    st.sampled_from("\u200d\u200b\ufe0f\u202e\u2066👩⚕👍🏽🇨🇭\x00\x01\x7f\ufeff"),
    st.characters(categories=["Zs", "Cc", "Co"]),
    st.sampled_from("前降支近段轻度狭窄约30-40％，。 \n"),
]
TEXTS = st.one_of([st.text(alphabet, max_size=200) for alphabet in ALPHABETS])
LONG = 100_000


def lengthen(text: str, length: int) -> str:
    """RETURNS (str): A text, repeated up to a length."""
    return (text * (length // max(1, len(text)) + 1))[:length]


def annotate_anything(nlp: Language, texts: Sequence[str], random: Random) -> Outcome:
    """Annotate texts one at a time, and compare with batches and with docs from a DocBin.

    nlp (Language): The pipeline.
    texts (Sequence[str]): The texts.
    random (Random): Draws the batch size.
    RETURNS (Outcome): The outcome.
    """
    expected = [nlp(text) for text in texts]
    piped = nlp.pipe(texts, batch_size=random.randint(1, len(texts)))
    docbin = DocBin(docs=expected, store_user_data=True).to_bytes()
    kept = DocBin().from_bytes(docbin).get_docs(nlp.vocab)
    return compare_docs(CHECK, expected, piped) + compare_docs(CHECK, expected, kept)
