from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

import torch
from numpy.typing import NDArray
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import ArgsKwargs, Floats1d, Floats2d, Ints1d
from torch.nn.utils.rnn import pad_sequence

from ..modules.crf import BiluoCRF
from .padding import pad, unpad
from .torch_shim import TorchShim

CRFInT = tuple[list[Floats2d], list[Ints1d]]


def CRF() -> Model[CRFInT, Floats1d]:
    """Build a linear-chain CRF over BILUO tags. It has no labels until it is resized.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 9 to 12.

    RETURNS (Model[tuple[list[Floats2d], list[Ints1d]], Floats1d]): The layer. Its input
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


def decode(model: Model[CRFInT, Floats1d], emissions: list[Floats2d]) -> list[NDArray[Any]]:
    """Find the most probable tags.

    model (Model[tuple[list[Floats2d], list[Ints1d]], Floats1d]): The CRF.
    emissions (list[Floats2d]): The emissions of each doc. *Shape:* (tokens, tags) each.
    RETURNS (list[NDArray]): The tag ids of each doc. *Shape:* (tokens,) each.
    """
    padded, mask = pad(emissions)
    return unpad(_module(model).decode(padded, mask).cpu().numpy(), emissions)


def entity_probabilities(
    model: Model[CRFInT, Floats1d], emissions: list[Floats2d], entities: NDArray[Any]
) -> NDArray[Any]:
    """Compute the probabilities of entities.

    model (Model[tuple[list[Floats2d], list[Ints1d]], Floats1d]): The CRF.
    emissions (list[Floats2d]): The emissions of each doc. *Shape:* (tokens, tags) each.
    entities (NDArray): Doc, start, end and label of each entity. *Shape:* (entities, 4).
    RETURNS (NDArray): The probability of exactly this span and label. *Shape:* (entities,).
    """
    padded, mask = pad(emissions)
    rows = torch.from_numpy(entities)
    return _module(model).entity_probabilities(padded, mask, rows).cpu().numpy()


def tag_names(model: Model[CRFInT, Floats1d]) -> list[str]:
    """RETURNS (list[str]): The tags, in the order of their ids."""
    return _module(model).tags


def entity_path(label: int, length: int) -> list[int]:
    """Write an entity as tags: U, or B I ... I L.

    label (int): The index of its label.
    length (int): Its number of tokens.
    RETURNS (list[int]): The ids of the tags.
    """
    begin = 1 + 4 * label
    return [begin + 3] if length == 1 else [begin, *[begin + 1] * (length - 2), begin + 2]


def label_names(model: Model[CRFInT, Floats1d]) -> list[str]:
    """RETURNS (list[str]): The labels, in the order of their ids."""
    return _module(model).labels


def resize_crf(model: Model[CRFInT, Floats1d], labels: list[str]) -> None:
    """Add labels to the CRF, and keep its weights for the others.

    model (Model[tuple[list[Floats2d], list[Ints1d]], Floats1d]): The CRF.
    labels (list[str]): All labels, the old ones first.
    """
    if labels != _module(model).labels:
        # This needs a new shim: optimizers keep moments of the old size under the old shim's id.
        model.shims[0] = _shim(_module(model).resized(labels))


def _module(model: Model[CRFInT, Floats1d]) -> BiluoCRF:
    return model.shims[0]._model


def _shim(crf: BiluoCRF) -> TorchShim:
    return TorchShim(crf, serialize_model=_to_bytes, deserialize_model=_from_bytes)


def _to_bytes(crf: BiluoCRF) -> bytes:
    filelike = BytesIO()
    torch.save({"labels": crf.labels, "state": crf.state_dict()}, filelike)
    return filelike.getvalue()


def _from_bytes(crf: BiluoCRF, bytes_data: bytes, device: torch.device) -> BiluoCRF:
    message = torch.load(BytesIO(bytes_data), map_location=device, weights_only=True)
    loaded = BiluoCRF(message["labels"])
    loaded.load_state_dict(message["state"])
    return loaded.to(device)
