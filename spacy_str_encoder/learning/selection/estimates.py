"""Estimates of the errors that a pipeline makes in texts that nobody has annotated."""

from typing import Any, NamedTuple

from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from ...doc.states import drop_states
from ...loading import ENTITIES, find_components
from ...pipeline.str_cleaner import drops_states

WITHOUT_TAGGER = (
    "the pipeline must have a str_ner, whose probabilities say which texts are hard; got {names}"
)


class Estimate(NamedTuple):
    """The expected number of errors in a text, and its number of tokens, without white space."""

    errors: float
    tokens: int


class ErrorEstimator:
    """Estimates the errors of a pipeline: wrong and missed entities and relations, and wrong
    attributes, each by the probabilities of its component. It asks only about what components of
    this library predict.
    """

    def __init__(self, nlp: Language) -> None:
        """Find the components.

        nlp (Language): The pipeline. It may lack `str_rel` and `str_attr`.
        RAISES (ValueError): If it has no `str_ner`.
        """
        self.nlp = nlp
        # They have no type in common that promises it.
        components: list[tuple[str, Any]] = [*nlp.pipeline]
        self._components = {name: each for name, each in components if _can_expect(each)}
        taggers = dict(find_components(nlp, ENTITIES))
        self._taggers = {name: each for name, each in taggers.items() if _can_expect(each)}
        if not self._taggers:
            names = ", ".join(nlp.pipe_names) or "no component"
            raise ValueError(WITHOUT_TAGGER.format(names=names))
        self._cleaners = [name for name, each in components if drops_states(each)]

    def estimate(self, texts: list[str]) -> list[Estimate]:
        """Estimate the errors in texts. Strings of the texts do not stay in the vocabulary.

        texts (list[str]): The texts.
        RETURNS (list[Estimate]): The estimate of each text.
        """
        with self.nlp.memory_zone(), self.nlp.select_pipes(disable=self._unneeded):
            docs = [*self.nlp.pipe(texts, batch_size=len(texts))]
            each = [component.expect_errors(docs) for component in self._components.values()]
            errors = map(sum, zip(*each, strict=True))
            return [*map(Estimate, errors, map(_count_tokens, docs))]

    @property
    def _unneeded(self) -> list[str]:
        """RETURNS (list[str]): Components that would drop the states, run twice, or run after the
        last one that is asked.
        """
        names = self.nlp.pipe_names
        last = max(names.index(name) for name in self._components)
        twice = [name for name in self._components if name not in self._taggers]
        return [*self._cleaners, *twice, *names[last + 1 :]]

    def encode(self, texts: list[str]) -> list[tuple[Doc, NDArray[Any]]]:
        """Annotate texts, and compute a vector for each: the mean of its tokens' vectors, which
        `str_ner` reads.

        texts (list[str]): The texts.
        RETURNS (list[tuple[Doc, NDArray]]): The doc of each text, and its vector. *Shape:*
            (width,) each.
        """
        with self.nlp.select_pipes(disable=self._cleaners):
            docs = [*self.nlp.pipe(texts, batch_size=len(texts))]
        model = [*self._taggers.values()][-1].model
        vectors = model.get_ref("tok2vec").predict(docs)
        for doc in docs:
            drop_states(doc)
        return [
            (doc, model.ops.to_numpy(rows.mean(axis=0)))
            for doc, rows in zip(docs, vectors, strict=True)
        ]


def _can_expect(component: Any) -> bool:
    return hasattr(component, "expect_errors")


def _count_tokens(doc: Doc) -> int:
    return sum(not token.text.isspace() for token in doc)
