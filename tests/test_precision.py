"""Predictions in bfloat16 and int8: of layers, of pipelines, and of the commands."""

import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import srsly
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from thinc.api import Adam
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.layers.encoder_shim import PRECISION, EncoderShim
from spacy_str_encoder.loading import get_precision, set_precision
from spacy_str_encoder.modules.bert import BertLayer
from spacy_str_encoder.modules.encode import WindowGroup, run_layer
from spacy_str_encoder.modules.precision import (
    Int8Linear,
    convert_layers,
    has_bfloat16_units,
    resolve_precision,
)

from .pipelines import TEXTS, assert_same, found, make_examples, scores

CPU = torch.device("cpu")
GPU = torch.device("cuda")
# Bits that bfloat16 keeps, and steps of int8.
TOLERANCE = {"bfloat16": 2**-6, "int8": 2 / 127}


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, Any]], None]:
    """Sets what torch says of the processor."""

    def set_units(capabilities: Mapping[str, Any]) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)

    return set_units


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_vnni": True, "amx_bf16": False}, "float32"),
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True, "avx512_bf16": False}, "bfloat16"),
        ({"neon": True, "bf16": True}, "bfloat16"),
        ({"neon": True, "sve_bf16": True}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_auto_follows_the_units_of_the_processor(
    units: Callable[[Mapping[str, Any]], None], capabilities: dict[str, bool], expected: str
) -> None:
    units(capabilities)
    assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("int8", CPU) == "int8"
    assert resolve_precision("bfloat16", CPU) == "bfloat16"


def test_auto_is_float32_if_torch_does_not_know_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", CPU) == "float32"


def test_other_devices_are_not_known() -> None:
    assert not has_bfloat16_units(torch.device("mps"))


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True)])
def test_auto_follows_the_capability_of_the_gpu(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_bfloat16_units(GPU) is expected


def test_int8_is_for_the_cpu() -> None:
    with pytest.raises(ValueError, match=r"precision 'int8' is for the CPU, but .* 'cuda'"):
        resolve_precision("int8", GPU)


def make_layers() -> list[BertLayer]:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    return list(BertModel(config).eval().encoder.layer)


@torch.no_grad()
def run(layers: list[BertLayer], rows: torch.Tensor) -> torch.Tensor:
    for layer in layers:
        rows = run_layer(layer, rows, [WindowGroup(len(rows), 1, None)])
    return rows


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_layers_of_lower_precision_compute_nearly_the_same(precision: Any) -> None:
    layers = make_layers()
    before = deepcopy([layer.state_dict() for layer in layers])
    converted = convert_layers(layers, precision)
    rows = torch.randn(20, 32, generator=torch.Generator().manual_seed(0))
    actual = run(list(converted), rows.to(torch.bfloat16 if precision == "bfloat16" else rows))
    difference = (actual.float() - run(layers, rows)).abs().max()
    assert 0 < difference < 4 * TOLERANCE[precision]
    for layer, state in zip(layers, before, strict=True):
        torch.testing.assert_close(layer.state_dict(), state, rtol=0, atol=0)
        assert all(parameter.requires_grad for parameter in layer.parameters())


def test_layers_in_float32_are_not_copied() -> None:
    layers = make_layers()
    assert convert_layers(layers, "float32") is layers


def quantize(rows: Any) -> tuple[Any, Any]:
    scales = numpy.abs(rows).max(axis=1, keepdims=True) / 127
    return numpy.rint(rows / numpy.where(scales == 0, 1, scales)).astype("int64"), scales


@given(
    st.integers(0, 300),
    st.integers(2, 40),
    st.integers(1, 40),
    st.sampled_from([1e-3, 1.0, 50.0]),
    st.integers(0, 3),
)
def test_int8_multiplies_integers(
    count: int, width: int, output_width: int, size: float, seed: int
) -> None:
    torch.manual_seed(seed)
    layer = torch.nn.Linear(width, output_width)
    rows = size * torch.randn(count, width)
    rows[::7] = 0
    integers, scales = quantize(rows.numpy().astype("float32"))
    weights, weight_scales = quantize(layer.weight.detach().numpy())
    expected = (integers @ weights.T) * scales * weight_scales.T + layer.bias.detach().numpy()
    with torch.no_grad():
        actual = Int8Linear(layer)(rows).numpy()
    numpy.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * size)


def test_int8_gives_a_row_the_same_output_in_every_batch() -> None:
    layer = Int8Linear(torch.nn.Linear(48, 24))
    rows = torch.randn(300, 48) * torch.logspace(-2, 2, 300)[:, None]
    with torch.no_grad():
        together = layer(rows)
        for i in (0, 1, 130, 299):
            assert torch.equal(layer(rows[i : i + 1])[0], together[i])


@pytest.fixture(params=["bfloat16", "int8"])
def precision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(save_trained: Callable[[str], Path]) -> Path:
    return save_trained("pair")


def load(path: Path, precision: str | None) -> Language:
    return spacy.load(path, config={"components.str_encoder.precision": precision})


def shim_of(nlp: Language) -> EncoderShim:
    shim = nlp.get_pipe("str_encoder").model.shim
    assert isinstance(shim, EncoderShim)
    return shim


def test_a_trained_pipeline_finds_the_same(path: Path, precision: str) -> None:
    nlp, in_float32 = load(path, precision), load(path, None)
    assert nlp.get_pipe("str_encoder").precision == precision
    docs, expected = list(nlp.pipe(TEXTS)), list(in_float32.pipe(TEXTS))
    assert [*map(found, docs)] == [*map(found, expected)]
    differences = [
        numpy.abs(numpy.subtract(scores(doc), scores(other)))
        for doc, other in zip(docs, expected, strict=True)
    ]
    assert 0 < max(each.max(initial=0) for each in differences) < 0.1
    for doc in docs:
        for state in doc._.trf_data.model_output.values():
            assert state.dtype == "float32"


@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_both_masks_compute_in_the_precision(
    save_trained: Callable[[str], Path], mask: str, precision: str
) -> None:
    nlp, in_float32 = load(save_trained(mask), precision), load(save_trained(mask), None)
    # With the same states, the focused layers alone differ.
    nlp.get_pipe("str_encoder").precision = "float32"
    docs = list(nlp.pipe(TEXTS, disable=["str_rel", "doc_cleaner", "str_cleaner"]))
    nlp.get_pipe("str_encoder").precision = precision
    docs = list(nlp.get_pipe("str_rel").pipe(docs))
    expected = list(in_float32.pipe(TEXTS))
    assert [*map(found, docs)] == [*map(found, expected)]
    assert any(scores(doc) != scores(other) for doc, other in zip(docs, expected, strict=True))


def test_weights_are_saved_in_float32(path: Path, precision: str, tmp_path: Path) -> None:
    nlp = load(path, precision)
    list(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path)
    shims = [shim_of(spacy.load(folder)) for folder in (tmp_path, path)]
    saved, original = (shim._model.state_dict() for shim in shims)
    torch.testing.assert_close(saved, original, rtol=0, atol=0)
    # The config has it.
    assert shims[0].precision == precision


def states_of(nlp: Language) -> Any:
    encoder = nlp.get_pipe("str_encoder")
    return encoder.predict([nlp.make_doc(TEXTS[0])]).model_output.last_hidden_state.numpy()


def change_weights(nlp: Language) -> Iterator[None]:
    """Change the weights in each way that there is, one after the other."""
    optimizer = Adam(0.01, use_averages=True)
    nlp.update(make_examples(nlp), sgd=optimizer)
    yield
    with nlp.use_params(optimizer.averages):
        yield
    yield
    nlp.from_bytes(nlp.to_bytes())
    yield


def test_changed_weights_are_converted_again(path: Path, precision: str) -> None:
    nlp, fresh = load(path, precision), load(path, precision)
    before = list(nlp.pipe(TEXTS))
    layers = shim_of(nlp).layers(is_train=False)
    assert shim_of(nlp).layers(is_train=False) is layers
    for _ in change_weights(nlp):
        # The first of the two makes the step that is due.
        actual = states_of(nlp)
        weights = nlp.get_pipe("str_encoder").model.to_bytes()
        fresh.get_pipe("str_encoder").model.from_bytes(weights)
        numpy.testing.assert_array_equal(actual, states_of(fresh))
    assert [*map(scores, nlp.pipe(TEXTS))] != [*map(scores, before)]


def test_an_error_leaves_no_layers_of_other_weights(path: Path, precision: str) -> None:
    nlp = load(path, precision)
    expected = states_of(nlp)
    shim = shim_of(nlp)
    weights = {(shim.id, name): p.detach() * 0 for name, p in shim._model.named_parameters()}
    with pytest.raises(KeyboardInterrupt), shim.use_params(weights):
        assert numpy.abs(states_of(nlp) - expected).max() > 0.1
        raise KeyboardInterrupt
    numpy.testing.assert_array_equal(states_of(nlp), expected)


@pytest.mark.parametrize("duplicate", [deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))])
def test_a_copy_has_its_own_layers_in_the_same_precision(
    path: Path, precision: str, duplicate: Callable[[Language], Language]
) -> None:
    nlp = load(path, precision)
    expected = list(nlp.pipe(TEXTS))
    copy = duplicate(nlp)
    assert copy.get_pipe("str_encoder").precision == precision
    assert shim_of(copy).layers(is_train=False) is not shim_of(nlp).layers(is_train=False)
    for doc, other in zip(copy.pipe(TEXTS), expected, strict=True):
        assert_same(doc, other)


def test_training_is_in_float32(path: Path, precision: str) -> None:
    losses = []
    for chosen in (precision, None):
        nlp = load(path, chosen)
        losses.append(nlp.update(make_examples(nlp), sgd=Adam(0.01)))
    assert losses[0] == losses[1]


@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_training_in_bfloat16_learns_nearly_the_same(
    save_trained: Callable[[str], Path], mask: str
) -> None:
    losses, pipelines = [], []
    for mixed_precision in (False, "bfloat16"):
        settings = {"components.str_encoder.model.mixed_precision": mixed_precision}
        nlp = spacy.load(save_trained(mask), config=settings)
        optimizer = Adam(0.001)
        losses.append([nlp.update(make_examples(nlp), sgd=optimizer) for _ in range(20)][-1])
        pipelines.append(nlp)
    for name in ("str_ner", "str_rel"):
        assert losses[0][name] != losses[1][name]
        assert losses[0][name] == pytest.approx(losses[1][name], abs=0.05)
    parameters = shim_of(pipelines[1])._model.parameters()
    assert {parameter.dtype for parameter in parameters} == {torch.float32}
    in_float32, in_bfloat16 = ([*map(found, nlp.pipe(TEXTS))] for nlp in pipelines)
    assert in_float32 == in_bfloat16


def test_bfloat16_needs_no_scaled_gradients(path: Path) -> None:
    for mixed_precision, is_scaled in ((True, True), ("bfloat16", False)):
        settings = {"components.str_encoder.model.mixed_precision": mixed_precision}
        nlp = spacy.load(path, config=settings)
        assert shim_of(nlp)._grad_scaler._enabled is is_scaled


def test_an_encoder_of_a_component_has_no_setting(path: Path, precision: str) -> None:
    nlp = load(path, precision)
    nlp.replace_listeners("str_encoder", "str_ner", ["model.tok2vec"])
    own = nlp.get_pipe("str_ner").model.get_ref("tok2vec").layers[0].layers[0].shim
    assert (own.precision, shim_of(nlp).precision) == ("float32", precision)
    assert get_precision(nlp) == {"str_encoder": precision, "str_ner": "float32"}
    set_precision(nlp, "bfloat16")
    assert nlp.meta["precision"] == {"str_encoder": "bfloat16", "str_ner": "bfloat16"}


def test_threads_predict_as_one(path: Path, precision: str) -> None:
    texts = TEXTS * 4
    nlp = load(path, precision)
    with ThreadPoolExecutor(8) as pool:
        docs = list(pool.map(nlp, texts))
    for doc, text in zip(docs, texts, strict=True):
        assert_same(doc, nlp(text))


def test_processes_predict_as_one(path: Path, precision: str) -> None:
    nlp = load(path, precision)
    expected = list(nlp.pipe(TEXTS, batch_size=2))
    for doc, other in zip(nlp.pipe(TEXTS, n_process=2, batch_size=2), expected, strict=True):
        assert_same(doc, other)


def test_the_environment_sets_what_the_config_does_not(
    path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRECISION, precision)
    assert load(path, None).get_pipe("str_encoder").precision == precision
    assert load(path, "float32").get_pipe("str_encoder").precision == "float32"
    monkeypatch.setenv(PRECISION, "half")
    with pytest.raises(ValueError, match=f"{PRECISION} must be one of float32, .* got 'half'"):
        load(path, None)
    monkeypatch.setenv(PRECISION, "")
    assert load(path, None).get_pipe("str_encoder").precision == "float32"


def test_the_pipeline_says_what_was_chosen(
    path: Path, units: Callable[[Mapping[str, Any]], None], tmp_path: Path
) -> None:
    units({"amx_bf16": True})
    nlp = load(path, "auto")
    assert nlp.meta["precision"] == {"str_encoder": "bfloat16"}
    nlp.to_disk(tmp_path)
    units({"amx_bf16": False})
    other = spacy.load(tmp_path)
    assert other.meta["precision"] == {"str_encoder": "float32"}
    other.get_pipe("str_encoder").precision = "int8"
    assert other.meta["precision"] == {"str_encoder": "int8"}


@pytest.mark.parametrize("value", ["half", None, 16, True, ["bfloat16"]])
def test_other_values_are_refused(path: Path, value: Any) -> None:
    nlp = spacy.load(path)
    with pytest.raises(ValueError, match="must be one of float32, bfloat16, int8, auto, got"):
        nlp.get_pipe("str_encoder").precision = value
    assert nlp.meta["precision"] == {"str_encoder": "float32"}


def test_a_field_of_the_same_name_is_replaced(path: Path) -> None:
    nlp = spacy.load(path)
    nlp.meta["precision"] = "high"
    nlp.get_pipe("str_encoder").precision = "int8"
    assert nlp.meta["precision"] == {"str_encoder": "int8"}


def test_float16_in_training_needs_a_gpu(path: Path) -> None:
    nlp = spacy.load(path, config={"components.str_encoder.model.mixed_precision": True})
    assert nlp(TEXTS[0]).ents
    with pytest.raises(ValueError, match='Set it to false, or to "bfloat16"'):
        nlp.update(make_examples(nlp), sgd=Adam(0.001))


def test_a_config_names_its_precision(path: Path) -> None:
    with pytest.raises(Exception, match="precision"):
        load(path, "float16")


def annotate(path: Path, folder: Path, *options: str) -> Any:
    (folder / "texts.txt").write_text("\n".join(TEXTS), "utf8")
    command = ["annotate", str(path), str(folder / "texts.txt"), "-o", str(folder / "out")]
    return CliRunner().invoke(app, [*command, *options])


def begun_in(folder: Path) -> str:
    first = next(iter(srsly.read_jsonl(folder / "out" / "manifest.jsonl")))
    return str(first["settings"]["precision"]["str_encoder"])


def test_an_archive_goes_on_in_its_precision(path: Path, precision: str, tmp_path: Path) -> None:
    result = annotate(path, tmp_path, "--precision", precision, "--part-size", "1")
    assert result.exit_code == 0, result.output
    assert begun_in(tmp_path) == precision
    part = max((tmp_path / "out").glob("part-*"))
    lost, manifest = part.read_text("utf8"), tmp_path / "out" / "manifest.jsonl"
    part.unlink()
    lines = manifest.read_text("utf8").splitlines()
    manifest.write_text("\n".join(lines[:-2]) + "\n", "utf8")
    result = annotate(path, tmp_path, "--part-size", "1")
    assert result.exit_code == 0, result.output
    assert part.read_text("utf8") == lost
    result = annotate(path, tmp_path, "--part-size", "1", "--precision", "float32")
    assert result.exit_code == 1
    assert f"'precision' was {{'str_encoder': '{precision}'}}" in " ".join(result.stderr.split())


def test_an_archive_from_before_goes_on_in_float32(path: Path, tmp_path: Path) -> None:
    assert annotate(path, tmp_path).exit_code == 0
    manifest = tmp_path / "out" / "manifest.jsonl"
    lines = manifest.read_text("utf8").splitlines()
    settings = srsly.json_loads(lines[0])
    del settings["settings"]["precision"]
    manifest.write_text("\n".join([srsly.json_dumps(settings), *lines[1:]]) + "\n", "utf8")
    assert annotate(path, tmp_path).exit_code == 0
    result = annotate(path, tmp_path, "--precision", "bfloat16")
    assert result.exit_code == 1
    assert "'precision' was {'str_encoder': 'float32'}" in " ".join(result.stderr.split())


def test_workers_take_the_precision_of_the_driver(
    path: Path, tmp_path: Path, units: Callable[[Mapping[str, Any]], None]
) -> None:
    # Workers see the units of the machine, which may be others.
    units({"amx_bf16": not has_bfloat16_units(CPU)})
    expected = resolve_precision("auto", CPU)
    result = annotate(path, tmp_path, "--precision", "auto", "--n-process", "2")
    assert result.exit_code == 0, result.output
    assert begun_in(tmp_path) == expected
    nlp = load(path, expected)
    [part] = (tmp_path / "out").glob("part-*")
    relations = [line["relations"] for line in srsly.read_jsonl(part)]
    for doc, of_worker in zip(nlp.pipe(TEXTS), relations, strict=True):
        found_scores = [relation["score"] for relation in of_worker]
        assert found_scores == pytest.approx([each.score for each in doc._.relations], abs=1e-6)


@pytest.mark.parametrize(("option", "says"), [([], True), (["--precision", "float32"], False)])
def test_annotate_says_that_it_could_be_faster(
    path: Path,
    tmp_path: Path,
    units: Callable[[Mapping[str, Any]], None],
    option: list[str],
    says: bool,
) -> None:
    units({"amx_bf16": True})
    assert ("--precision auto" in annotate(path, tmp_path, *option).stderr) is says
    assert "--precision auto" not in annotate(path, tmp_path).stderr
    units({"amx_bf16": False})
    assert "--precision auto" not in annotate(path, tmp_path, "--overwrite").stderr


def evaluate(path: Path, data: Path, *options: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", str(path), str(data), *options])


@pytest.fixture
def data(path: Path, tmp_path: Path) -> Path:
    nlp = spacy.load(path)
    docs = spacy.tokens.DocBin(store_user_data=True)
    for example in make_examples(nlp):
        docs.add(example.reference)
    docs.to_disk(tmp_path / "data.spacy")
    return tmp_path / "data.spacy"


def test_evaluate_compares_with_float32(path: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    options = ["--precision", "int8", "--compare-precision", "-o", str(output)]
    result = evaluate(path, data, *options)
    assert result.exit_code == 0, result.output
    assert "Model, int8" in result.stdout
    assert "Other model, float32" in result.stdout
    report = srsly.read_json(output)
    assert report["model"]["precision"] == {"str_encoder": "int8"}
    assert report["other"]["precision"] == {"str_encoder": "float32"}
    assert report["differing"] == {"entities": 0, "relations": 0, "relations_gold_entities": 0}


def test_evaluate_needs_two_precisions(
    path: Path, data: Path, units: Callable[[Mapping[str, Any]], None]
) -> None:
    units({})
    result = evaluate(path, data, "--compare-precision")
    assert result.exit_code == 1
    assert "There is nothing to compare" in result.stderr
    result = evaluate(path, data, "--compare-precision", "--compare", str(path))
    assert result.exit_code == 1
    assert "--compare-precision can't be used with --compare" in result.stderr


def test_visualize_in_a_precision(path: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = ["visualize", str(path), TEXTS[0], "-o", str(page), "--precision", "bfloat16"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert page.exists()
