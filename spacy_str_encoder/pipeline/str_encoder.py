from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from spacy.errors import Errors
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy_transformers.annotation_setters import null_annotation_setter
from spacy_transformers.data_classes import FullTransformerBatch, TransformerData
from spacy_transformers.layers import TransformerListener
from spacy_transformers.pipeline_component import Transformer
from spacy_transformers.util import batch_by_length
from thinc.api import Config, Model, Optimizer, set_dropout_rate

from ..doc.states import keep_states
from ..layers.encoder_shim import Precision, PrecisionSetting
from ..layers.encoder_states import StateGradients
from ..layers.focused_listener import FocusedListenerLayer
from ..layers.listening import Connection, connect
from ..layers.windows import cut_docs
from .own_config import OwnConfig
from .sealed_pipe import SealedPipe
from .str_cleaner import drops_states

DEFAULT_CONFIG_STR = """
[str_encoder]
max_batch_items = 4096
precision = null

[str_encoder.set_extra_annotations]
@annotation_setters = "spacy-transformers.null_annotation_setter.v1"

[str_encoder.model]
@architectures = "spacy-str-encoder.STREncoder.v1"
name = "bert-base-chinese"
focus_layers = 4
tokenizer_config = {"use_fast": true}
transformer_config = {}
mixed_precision = false
grad_scaler_config = {}
learn_rate_scale = 1.0

[str_encoder.model.get_spans]
@span_getters = "spacy-transformers.strided_spans.v1"
window = 256
stride = 192
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)


@Language.factory(
    "str_encoder", assigns=["doc._.trf_data"], default_config=DEFAULT_CONFIG["str_encoder"]
)
def make_str_encoder(
    nlp: Language,
    name: str,
    model: Model[list[Doc], FullTransformerBatch],
    set_extra_annotations: Callable[[list[Doc], FullTransformerBatch], None],
    max_batch_items: int,
    precision: PrecisionSetting | None,
) -> "SharedEncoder":
    """Construct a `str_encoder` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    model (Model[list[Doc], FullTransformerBatch]): The encoder, an `STREncoder`.
    set_extra_annotations (Callable[[list[Doc], FullTransformerBatch], None]): Callback for each
        batch of docs and its output, called after `doc._.trf_data` is set.
    max_batch_items (int): Maximum size of a batch in prediction: number of docs times the tokens
        of the longest.
    precision (str | None): Precision of predictions: `float32`, `bfloat16`, `int8` (CPU only), or
        `auto` for bfloat16 if the processor or the GPU has units for it, otherwise float32. If
        None, it is that of the environment variable `SPACY_STR_ENCODER_PRECISION`, or float32.
        Weights are always trained and saved in float32.
    RETURNS (SharedEncoder): The component.
    RAISES (ValueError): If the environment variable has another value.
    """
    return SharedEncoder(
        nlp.vocab,
        model,
        set_extra_annotations,
        name=name,
        max_batch_items=max_batch_items,
        precision=precision,
        nlp=nlp,
    )


AMBIGUOUS = (
    "'{component}' listens to any encoder (upstream = \"*\"), but {encoders} come before it. Set "
    "`upstream` to the name of one of them."
)


@dataclass
class _OpenBatch:
    """Batch whose backward pass has not run yet."""

    docs: list[Doc]
    gradients: StateGradients
    backprop: Callable[[FullTransformerBatch], Any]


class SharedEncoder(SealedPipe, Transformer):
    """Pipeline component that encodes docs once for all its listeners: entities, relations, others.

    Listeners only add up their gradients. The backward pass runs once, when the next batch arrives
    or the optimizer step is due. So it does not matter which listener comes last, is frozen or
    disabled, or has nothing to learn from a batch.

    Source: Xue et al. 2019, arXiv 1908.07721.
    """

    def __init__(
        self,
        vocab: Any,
        model: Model[list[Doc], FullTransformerBatch],
        set_extra_annotations: Callable[..., None] = null_annotation_setter,
        *,
        name: str = "str_encoder",
        max_batch_items: int = 4096,
        precision: PrecisionSetting | None = None,
        nlp: Language | None = None,
    ) -> None:
        """Initialize the component, see `make_str_encoder`."""
        super().__init__(
            vocab, model, set_extra_annotations, name=name, max_batch_items=max_batch_items
        )
        self._open_batch: _OpenBatch | None = None
        self._has_gradients = False
        self._step_due: Optimizer | None = None
        self._is_preceded = False
        self._note_functions("set_extra_annotations")
        self._config = OwnConfig(nlp)
        if precision is not None:
            self.precision = precision

    @property
    def precision(self) -> Precision:
        """RETURNS (str): The precision of predictions: `float32`, `bfloat16` or `int8`. It can be
        set, also to `auto`, but a value that is set is not saved.
        """
        return self.model.shim.precision

    @precision.setter
    def precision(self, precision: PrecisionSetting) -> None:
        self.model.shim.set_precision(precision)
        self._note_precision()

    def _note_precision(self) -> None:
        self._config.note("precision", self.name, self.precision)

    def load_tokenizer(self) -> Any:
        """Get the tokenizer of the encoder, also before the encoder is loaded.

        RETURNS (PreTrainedTokenizerFast): The tokenizer.
        RAISES (ValueError): If it can't be loaded, or the encoder is not supported.
        """
        return self.model.load_tokenizer()

    def get_windows(self, docs: list[Doc], tokenizer: Any | None) -> list[list[Span]]:
        """Cut docs into windows.

        docs (list[Doc]): The docs.
        tokenizer (PreTrainedTokenizerFast | None): The tokenizer of the encoder. If None, windows
            with more pieces than the encoder can read are not split.
        RETURNS (list[list[Span]]): The windows of each doc.
        """
        get_spans = self.model.attrs["get_spans"]
        if tokenizer is None or not any(map(len, docs)):
            return get_spans(docs)
        return cut_docs(docs, get_spans, tokenizer).spans

    @property
    def listener_map(self) -> dict[str, list[TransformerListener]]:
        """RETURNS (dict[str, list[TransformerListener]]): The listeners of each component."""
        return self._listener_map

    @listener_map.setter
    def listener_map(self, listeners: dict[str, list[TransformerListener]]) -> None:
        # spaCy is about to show this encoder all later components in order, see `find_listeners`.
        self._listener_map = listeners
        self._cleaner: str | None = None
        self._followers: dict[str, None] = {}

    def find_listeners(self, component: Any) -> None:
        """Connect the listeners of a later component.

        component (Callable[[Doc], Doc]): The component.
        RAISES (ValueError): If one of them listens to any encoder, and there are two.
        """
        if drops_states(component):
            self._cleaner = getattr(component, "name", "doc_cleaner")
        elif isinstance(component, Transformer) and component is not self:
            self._followers |= {component.name: None}
            if isinstance(component, SharedEncoder):
                component._is_preceded = True
        super().find_listeners(component)

    def add_listener(self, listener: TransformerListener, component_name: str) -> None:
        """Connect a layer of a later component. A `FocusedListener` also gets the encoder itself.

        listener (TransformerListener): The layer.
        component_name (str): The component that the layer belongs to.
        RAISES (ValueError): If the layer listens to any encoder, and there are two.
        """
        # `initialize` shows all later components a second time.
        if listener not in self.listener_map.get(component_name, []):
            self._require_one_encoder(listener, component_name)
            connect(listener, Connection(component_name, self.name, self._cleaner))
        super().add_listener(listener, component_name)
        if isinstance(listener, FocusedListenerLayer):
            listener.encoder = self.model

    def _require_one_encoder(self, listener: TransformerListener, component: str) -> None:
        if listener.upstream_name == "*" and self._followers:
            encoders = " and ".join(f"'{name}'" for name in (self.name, *self._followers))
            raise ValueError(AMBIGUOUS.format(component=component, encoders=encoders))

    def set_annotations(self, docs: Iterable[Doc], predictions: FullTransformerBatch) -> None:
        """Set the states of docs: `doc._.trf_data`.

        docs (Iterable[Doc]): The docs.
        predictions (FullTransformerBatch): The output of `predict`.
        """
        docs = list(docs)
        super().set_annotations(docs, predictions)
        if self._followers or self._is_preceded:
            for doc, states in zip(docs, predictions.doc_data, strict=True):
                keep_states(doc, self.name, states if self._followers else None)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Process docs, in batches of similar length, see `SealedPipe.pipe`.

        stream (Iterable[Doc]): The docs.
        batch_size (int): Number of docs to keep at once.
        YIELDS (Doc): The processed docs, in order.
        """
        for docs in minibatch(stream, batch_size):
            batches = batch_by_length(docs, self.cfg["max_batch_items"])
            done = {id(doc) for batch in batches for doc in self._process([docs[i] for i in batch])}
            yield from (doc for doc in docs if id(doc) in done)

    def predict(self, docs: Iterable[Doc]) -> FullTransformerBatch:
        """Encode docs.

        docs (Iterable[Doc]): The docs.
        RETURNS (FullTransformerBatch): The states of the encoder.
        RAISES (ValueError): If the encoder is neither initialized nor loaded.
        """
        if not self.model.attrs["has_transformer"]:
            raise ValueError(Errors.E109.format(name=self.name))
        docs = list(docs)
        self._catch_up()
        if not self._is_open(docs):
            self._forget_batch()
        return super().predict(docs)

    def _is_open(self, docs: list[Doc]) -> bool:
        # Annotating components predict the very docs that they are being trained on.
        open_docs = self._open_batch.docs if self._open_batch is not None else []
        return {id(doc) for doc in docs} <= {id(doc) for doc in open_docs}

    def _forget_batch(self) -> None:
        # A listener that did not use this batch would mistake it for the next one.
        self._open_batch = self._step_due = None
        for listener in self.listeners:
            listener.receive(None, None, None)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Encode a batch, and send the states to the listeners.

        examples (Iterable[Example]): The batch; only the predicted docs are used.
        drop (float): The dropout rate of thinc layers. Set that of BERT in `transformer_config`.
        sgd (Optimizer | None): The optimizer.
        losses (dict[str, float] | None): Losses to update: the squared gradients are added under
            the name of the component.
        RETURNS (dict[str, float]): The updated losses.
        """
        validate_examples(examples, "SharedEncoder.update")
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        self._backprop()
        self._make_due_step()
        self._forget_batch()
        docs = [example.predicted for example in examples]
        if not any(len(doc) for doc in docs):
            return losses
        set_dropout_rate(self.model, drop)
        states, backprop = self.model.begin_update(docs)
        self._open_batch = _OpenBatch(docs, StateGradients(states), backprop)
        self._send(docs, self._open_batch.gradients, losses)
        if sgd is not None and sgd is not False:
            self.finish_update(sgd)
        return losses

    def _send(self, docs: list[Doc], gradients: StateGradients, losses: dict[str, float]) -> None:
        def add_gradients(d_docs: list[TransformerData]) -> None:
            losses[self.name] += gradients.add(d_docs)

        for listener in self.listeners:
            # Each listener computes its own id and checks it.
            batch_id = listener.get_batch_id(docs)
            listener.receive(batch_id, gradients.states.doc_data, add_gradients)

    def finish_update(self, sgd: Optimizer) -> None:
        """Run the backward pass if it is due, and update the encoder.

        `Language.update(sgd=...)` calls this before the listeners have been updated. There are no
        gradients then, and the step is made when the encoder is next called.

        sgd (Optimizer): The optimizer.
        """
        self._step_due = sgd
        self._catch_up()

    def _backprop(self) -> None:
        if self._open_batch is not None and self._open_batch.gradients:
            batch, self._open_batch = self._open_batch, None
            batch.backprop(batch.gradients.as_batch())
            self._has_gradients = True

    def _make_due_step(self) -> None:
        if self._step_due is not None and self._has_gradients:
            self.model.finish_update(self._step_due)
            self._has_gradients = False
            self._step_due = None

    def _catch_up(self) -> None:
        self._backprop()
        if self._open_batch is None:
            self._make_due_step()

    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Use other parameters temporarily, such as an optimizer's averages. `Language` expects a
        plain generator.

        params (dict[tuple[int, str], FloatsXd]): The parameters.
        """
        # A pending step has to update the encoder's own parameters.
        self._catch_up()
        yield from super().use_params(params)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
    ) -> None:
        """Load the encoder, and connect its listeners.

        get_examples (Callable[[], Iterable[Example]]): Function that returns training examples.
        nlp (Language | None): The pipeline.
        """
        super().initialize(get_examples, nlp=nlp)
        self._note_precision()

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component.

        bytes_data (bytes): The output of `to_bytes`.
        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (SharedEncoder): The same component.
        """
        super().from_bytes(bytes_data, exclude=exclude)
        self._note_precision()
        return self

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component, see `SealedPipe.from_disk`.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (SharedEncoder): The same component.
        RAISES (ValueError): If a file is missing, or has changed since it was saved.
        """
        super().from_disk(path, exclude=exclude)
        self._note_precision()
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize the component.

        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (bytes): The serialized component.
        """
        self._catch_up()
        return super().to_bytes(exclude=exclude)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Names of parts to exclude.
        """
        self._catch_up()
        super().to_disk(path, exclude=exclude)

    def __reduce__(self) -> Any:
        # Other processes get the updated weights, but not the batch of the last update.
        self._catch_up()
        self._forget_batch()
        return super().__reduce__()
