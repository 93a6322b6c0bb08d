"""Files of the encoder that are saved with a pipeline."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import srsly
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from spacy.language import Language

from .pipelines import (
    ANNOTATIONS,
    LAYERS,
    TEXTS,
    MakeNlp,
    assert_predicts_as,
    build_trained,
    make_examples,
)


def edit_state(model: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """The bytes of a `str_encoder` model, with the encoder's weights edited."""
    message = srsly.msgpack_loads(model)
    (shims,) = [shims for shims in message["shims"] if shims]
    encoder = srsly.msgpack_loads(shims[0])
    encoder["state"] = edit(encoder["state"])
    shims[0] = srsly.msgpack_dumps(encoder)
    return srsly.msgpack_dumps(message)


def drop_tensor(state: bytes) -> bytes:
    tensors = load_tensors(state)
    del tensors["encoder.layer.0.attention.self.value.weight"]
    return save_tensors(tensors)


def narrow_tensor(state: bytes) -> bytes:
    tensors = load_tensors(state)
    name = "embeddings.word_embeddings.weight"
    return save_tensors({**tensors, name: tensors[name][:-1].contiguous()})


@pytest.mark.parametrize("edit", [drop_tensor, narrow_tensor, lambda state: state[:-10]])
def test_damaged_weights_are_refused(nlp: Language, edit: Callable[[bytes], bytes]) -> None:
    model = nlp.get_pipe("str_encoder").model
    with pytest.raises(ValueError, match="weights of this encoder are damaged"):
        model.from_bytes(edit_state(model.to_bytes(), edit))


def test_a_saved_pipeline_does_without_the_folder_of_its_encoder(
    make_with_encoder: Callable[..., Language], encoder_path: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(encoder_path, tmp_path / "encoder")
    nlp = make_with_encoder(name=str(folder))
    expected = list(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(folder)
    assert_predicts_as(spacy.load(tmp_path / "pipeline"), expected)


def test_a_tokenizer_of_one_file_is_saved(
    make_with_encoder: Callable[..., Language], encoder_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(encoder_path / name, folder)
    nlp = make_with_encoder(name=str(folder))
    expected = list(nlp.pipe(TEXTS))
    for copy in ("first", "second"):
        nlp.to_disk(tmp_path / copy)
        nlp = spacy.load(tmp_path / copy)
        assert_predicts_as(nlp, expected)


@pytest.mark.slow
def test_all_layers_may_be_focused(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = build_trained(make_nlp, ANNOTATIONS, focus_layers=LAYERS)
    assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0
    expected = list(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path)
    assert_predicts_as(spacy.load(tmp_path), expected)


def test_a_pipeline_that_was_not_initialized_says_so(make_nlp: Callable[..., Language]) -> None:
    with pytest.raises(ValueError, match=r"str_encoder.*initialize"):
        make_nlp()("前降支")
