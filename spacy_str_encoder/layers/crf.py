from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, cast

import torch
from numpy.typing import NDArray
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats1d, Floats2d
from torch.nn.utils.rnn import pad_sequence

from ..modules.crf import BiluoCRF
from ..modules.nested_crf import NestedCRF
from .padding import pad, unpad
from .torch_shim import TorchShim

# Emissions, *shape:* (tokens, tags), and gold tags of each doc, see `write_entities`.
CRFInT = tuple[list[Floats2d], list[Any]]


def CRF() -> Model[CRFInT, Floats1d]:
    """Build a linear-chain CRF over BILUO tags. It has no labels until it is resized.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 9 to 12.

    RETURNS (Model[tuple[list[Floats2d], list[IntsXd]], Floats1d]): The layer. Its input
        are the emissions and the gold tags of each doc, its output the log likelihood of each doc.
    """
    return Model("crf", forward, shims=[_shim(BiluoCRF([]))])


def forward(
    model: Model[CRFInT, Floats1d], X: CRFInT, is_train: bool
) -> tuple[Floats1d, Callable[[Floats1d], CRFInT]]:
    """Compute the log likelihood of the gold tags of each doc."""
    emissions, tags = X
    shim = model.shims[0]
    padded, mask = pad(emissions)
    padded_tags = pad_sequence([xp2torch(y).long() for y in tags], batch_first=True)
    inputs = (padded.requires_grad_(is_train), padded_tags, mask)
    likelihoods, backprop_shim = shim(ArgsKwargs(args=inputs, kwargs={}), is_train)

    def backprop(d_likelihoods: Floats1d) -> CRFInT:
        d_outputs = {"grad_tensors": xp2torch(d_likelihoods)}
        d_inputs = backprop_shim(ArgsKwargs(args=(likelihoods,), kwargs=d_outputs))
        return unpad(torch2xp(d_inputs.args[0]), emissions), tags

    return cast(Floats1d, torch2xp(likelihoods.detach())), backprop


def write_entities(
    model: Model[CRFInT, Floats1d], entities: Sequence[tuple[int, int, int]], length: int
) -> Any:
    """Write the entities of a doc as gold tags.

    model (Model[tuple[list[Floats2d], list[IntsXd]], Floats1d]): The CRF.
    entities (Sequence[tuple[int, int, int]]): Start, end and label of each entity.
    length (int): Number of tokens of the doc.
    RETURNS (IntsXd): The tag ids. *Shape:* (tokens,), or (tokens, labels) if each label has its own
        tags.
    """
    tags: Any = _module(model).write_entities(entities, length).numpy()
    return model.ops.asarray(tags)


def find_entities(
    model: Model[CRFInT, Floats1d], emissions: list[Floats2d]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find the entities of the most probable tags.

    model (Model[tuple[list[Floats2d], list[IntsXd]], Floats1d]): The CRF.
    emissions (list[Floats2d]): The emissions of each doc. *Shape:* (tokens, tags) each.
    RETURNS (tuple[NDArray, NDArray]): Doc, start, end and label of each entity, *shape:* (entities,
        4); and the probability of exactly this span and label, *shape:* (entities,).
    """
    module, (padded, mask) = _module(model), pad(emissions)
    entities = module.find_entities(padded, mask)
    probabilities = module.entity_probabilities(padded, mask, entities)
    return entities.cpu().numpy(), probabilities.cpu().numpy()


def find_beginnings(
    model: Model[CRFInT, Floats1d], emissions: list[Floats2d]
) -> list[NDArray[Any]]:
    """Compute the probability that an entity begins at each token.

    model (Model[tuple[list[Floats2d], list[IntsXd]], Floats1d]): The CRF.
    emissions (list[Floats2d]): The emissions of each doc. *Shape:* (tokens, tags) each.
    RETURNS (list[NDArray]): The probabilities of each doc. *Shape:* (tokens, labels) each.
    """
    padded = _module(model).beginning_probabilities(*pad(emissions)).cpu().numpy()
    return [rows[: len(each)] for rows, each in zip(padded, emissions, strict=True)]


def resize_crf(model: Model[CRFInT, Floats1d], labels: list[str], *, nested: bool) -> None:
    """Add labels to the CRF, and keep its weights for the others.

    model (Model[tuple[list[Floats2d], list[IntsXd]], Floats1d]): The CRF.
    labels (list[str]): All labels, the old ones first.
    nested (bool): Whether each label has its own tags, so that entities may overlap.
    """
    module = _module(model)
    if not module.labels and nested:
        module = NestedCRF([])
    if labels != module.labels:
        # This needs a new shim: optimizers keep moments of the old size under the old shim's id.
        model.shims[0] = _shim(module.resized(labels))


def _module(model: Model[CRFInT, Floats1d]) -> BiluoCRF | NestedCRF:
    return model.shims[0]._model


def _shim(crf: BiluoCRF | NestedCRF) -> TorchShim:
    return TorchShim(crf, serialize_model=_to_bytes, deserialize_model=_from_bytes)


def _to_bytes(crf: BiluoCRF | NestedCRF) -> bytes:
    filelike = BytesIO()
    torch.save({"labels": crf.labels, "state": crf.state_dict()}, filelike)
    return filelike.getvalue()


def _from_bytes(
    crf: BiluoCRF | NestedCRF, bytes_data: bytes, device: torch.device
) -> BiluoCRF | NestedCRF:
    message = torch.load(BytesIO(bytes_data), map_location=device, weights_only=True)
    nested = any(name.startswith("shared.") for name in message["state"])
    loaded = (NestedCRF if nested else BiluoCRF)(message["labels"])
    loaded.load_state_dict(message["state"])
    return loaded.to(device)
