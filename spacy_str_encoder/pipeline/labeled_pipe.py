from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from spacy.language import Language
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from .new_labels import LEARN, LIST, find_new_labels
from .own_config import OwnConfig
from .sealed_pipe import SealedPipe


class LabeledPipe(SealedPipe):
    """Pipeline component with labels, which can go on training in another pipeline."""

    def __init__(
        self, vocab: Vocab, model: Model, name: str, *, nlp: Language | None, **cfg: Any
    ) -> None:
        """Initialize the component.

        vocab (Vocab): The vocabulary.
        model (Model): The model.
        name (str): The name of the component.
        nlp (Language | None): The pipeline; None if the component is not made for one.
        **cfg: Settings that are saved with the component.
        """
        super().__init__(vocab, model, name, **cfg)
        self._config = OwnConfig(nlp)
        self._remedy = LEARN
        self._has_learned = False
        self._reported: set[str] = set()

    def resume(self, nlp: Language) -> None:
        """Go on training in another pipeline. If its config sets `learn_new_labels`, the labels of
        its training data are added. `spacy-str-encoder.Corpus.v1` calls this.

        nlp (Language): The pipeline.
        RAISES (ValueError): If the training data has labels beyond those of the label file.
        """
        # A label must not come in the middle of training, when the dev data is first read.
        if self._config.is_of(nlp) or self._has_learned:
            return
        with self._config.moved_to(nlp):
            if (source := find_new_labels(nlp, self.name)) is not None:
                self._collect_labels(*source)
                self._remedy = LIST

    @abstractmethod
    def _collect_labels(
        self, get_examples: Callable[[], Iterable[Example]], labels: Any | None
    ) -> None:
        """Add the labels of examples, or those of a label file, which has to list all of them."""
