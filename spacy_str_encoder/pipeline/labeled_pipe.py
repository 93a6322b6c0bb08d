import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Any, Self

from spacy.language import Language
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from .finite_loss import require_finite
from .new_labels import LEARN, LIST, find_new_labels
from .own_config import OwnConfig
from .sealed_pipe import SealedPipe

OTHER_CONFIG = (
    "{name}: the config says {setting} = {said!r}, but the component was trained with {trained!r}. "
    "Change the config back, or train again."
)


class LabeledPipe(SealedPipe):
    """Pipeline component with labels, which can go on training in another pipeline."""

    # Settings that can be changed after training. They are saved in the config of the pipeline.
    _adjustable: tuple[str, ...] = ("temperature",)

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str,
        *,
        nlp: Language | None,
        temperature: float,
        **cfg: Any,
    ) -> None:
        """Initialize the component.

        vocab (Vocab): The vocabulary.
        model (Model): The model.
        name (str): The name of the component.
        nlp (Language | None): The pipeline; None if the component is not made for one.
        temperature (float): The number by which the log odds of all scores are divided.
        **cfg: Settings that are saved with the component.
        """
        super().__init__(vocab, model, name, **cfg)
        self._temperature = _require_temperature(name, temperature)
        self._config = OwnConfig(nlp)
        self._remedy = LEARN
        self._has_learned = False
        self._reported: set[str] = set()

    @property
    def temperature(self) -> float:
        """RETURNS (float): The number by which the log odds of all scores are divided. To set it
        also changes the config of the pipeline.
        """
        return self._temperature

    @temperature.setter
    def temperature(self, temperature: float) -> None:
        self._adjust("temperature", _require_temperature(self.name, temperature))

    def _adjust(self, setting: str, value: Any) -> None:
        setattr(self, f"_{setting}", value)
        self._save_setting(setting, value)

    def _save_setting(self, setting: str, value: Any) -> None:
        if not self._config.set(self, setting, value):
            # It takes the place of that in the config once the component is loaded.
            self.cfg[setting] = value

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

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch. Docs without gold annotation for the component have no loss.

        examples (Iterable[Example]): The batch.
        drop (float): The dropout rate.
        sgd (Optimizer | None): The optimizer.
        losses (dict[str, float] | None): Losses to update: the loss is added under the name of the
            component.
        RETURNS (dict[str, float]): The updated losses.
        RAISES (ValueError): If the loss is not finite.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, f"{type(self).__name__}.update")
        if not any(len(example.predicted) for example in examples):
            return losses
        self._has_learned = True
        set_dropout_rate(self.model, drop)
        loss, backprop = self._begin_update(examples)
        require_finite(loss, self.name, examples)
        backprop()
        if sgd is not None and sgd is not False:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    @abstractmethod
    def _begin_update(self, examples: Iterable[Example]) -> tuple[float, Callable[[], Any]]:
        """RETURNS (tuple[float, Callable[[], Any]]): The loss of a batch that has tokens, the mean
        over annotated docs, and its backward pass.
        """

    def _report_once(self, message: str) -> None:
        if message not in self._reported:
            self._reported.add(message)
            warnings.warn(f"{self.name}: {message}", stacklevel=2)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component.

        bytes_data (bytes): The serialized component.
        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (LabeledPipe): The same component.
        RAISES (ValueError): If the config differs from what the component was trained with.
        """
        config = dict(self.cfg)
        super().from_bytes(bytes_data, exclude=exclude)
        self._take_over(config)
        return self

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (LabeledPipe): The same component.
        RAISES (ValueError): If a file is missing, or has changed since it was saved, or if the
            config differs from what the component was trained with.
        """
        config = dict(self.cfg)
        super().from_disk(path, exclude=exclude)
        self._take_over(config)
        return self

    def _take_over(self, config: dict[str, Any]) -> None:
        self._check_config(config)
        # They were set where there was no config, or the pipeline is an early one.
        for setting in self._adjustable:
            if setting in self.cfg:
                setattr(self, setting, self.cfg.pop(setting))

    @abstractmethod
    def _check_config(self, config: dict[str, Any]) -> None:
        """Compare the settings of the config with those that the component was trained with."""

    def _require_same(self, said: Mapping[str, Any], trained: Mapping[str, Any]) -> None:
        for setting, value in trained.items():
            if said[setting] != value:
                values = {"setting": setting, "said": said[setting], "trained": value}
                raise ValueError(OTHER_CONFIG.format(name=self.name, **values))

    @abstractmethod
    def _collect_labels(
        self, get_examples: Callable[[], Iterable[Example]], labels: Any | None
    ) -> None:
        """Add the labels of examples, or those of a label file, which has to list all of them."""


def _require_temperature(name: str, temperature: Any) -> float:
    # A config reads "nan" as a string.
    if not isinstance(temperature, int | float) or not 0 < temperature < inf:
        raise ValueError(f"{name}: temperature must be a number above 0, got {temperature}.")
    return float(temperature)
