"""A pipeline that is not as it was saved is refused, in one sentence."""

import os
import pickle
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.util import load_config, load_model_from_config

from spacy_str_encoder.loading import default_values, entity_group, load_pipeline
from spacy_str_encoder.pipeline import sealed_pipe

from .pipelines import ANNOTATIONS, MakeNlp, found

COMPONENTS = ["str_encoder", "str_ner", "str_rel"]
TEXTS = [text for text, _, _ in ANNOTATIONS]


@pytest.fixture(scope="module")
def saved(save_trained: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(save_trained("pair"), tmp_path_factory.mktemp("saved") / "saved"))


@pytest.fixture
def pipeline(saved: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(saved, tmp_path / "pipeline"))


def answers(nlp: Language) -> list[Any]:
    return [found(doc) for doc in nlp.pipe(TEXTS)]


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("damage", [Path.unlink, empty, cut_in_half])
def test_what_is_damaged_is_named(
    pipeline: Path, component: str, damage: Callable[[Path], None]
) -> None:
    for path in files_of(pipeline / component):
        whole = path.read_bytes()
        damage(path)
        with pytest.raises(
            ValueError, match=rf"^{component}: .* is (damaged|incomplete): .*{path.name}"
        ):
            spacy.load(pipeline)
        path.write_bytes(whole)
    assert answers(spacy.load(pipeline))


@settings(max_examples=30)
@given(data=st.data())
def test_a_flipped_bit_is_refused(saved: Path, data: st.DataObject) -> None:
    path = (
        saved
        / data.draw(st.sampled_from(COMPONENTS))
        / data.draw(st.sampled_from(["cfg", "model"]))
    )
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        with pytest.raises(ValueError, match=f"damaged: changed since it was saved: {path.name}"):
            spacy.load(saved)
    finally:
        path.write_bytes(whole)


def test_a_missing_component_is_named(pipeline: Path) -> None:
    shutil.rmtree(pipeline / "str_ner")
    with pytest.raises(ValueError, match=r"^str_ner: .* is incomplete"):
        spacy.load(pipeline)


@pytest.mark.parametrize("damage", [Path.unlink, empty, cut_in_half])
def test_of_spacys_own_files_nothing_is_taken_for_something_else(
    saved: Path, pipeline: Path, damage: Callable[[Path], None]
) -> None:
    expected = answers(spacy.load(saved))
    for path in files_of(pipeline):
        whole = path.read_bytes()
        damage(path)
        try:
            nlp = load_pipeline(str(pipeline))
        except ValueError as error:
            assert str(error).startswith(f"{pipeline}: can't load this pipeline: ")
        else:
            assert answers(nlp) == expected
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("component", "key", "edit"),
    [
        ("str_ner", "labels", lambda labels: labels[::-1]),
        ("str_ner", "labels", lambda labels: labels[:-1]),
        ("str_rel", "classes", lambda classes: classes[::-1]),
        ("str_rel", "classes", lambda classes: classes[:-1]),
    ],
)
def test_other_labels_than_the_weights_have_are_refused(
    pipeline: Path, component: str, key: str, edit: Callable[[list[Any]], list[Any]]
) -> None:
    path = pipeline / component / "cfg"
    config = srsly.read_json(path)
    srsly.write_json(path, {**config, key: edit(config[key])})
    with pytest.raises(ValueError, match="damaged: changed since it was saved: cfg"):
        spacy.load(pipeline)


def test_a_setting_that_is_changed_by_the_component_is_kept(pipeline: Path) -> None:
    nlp = spacy.load(pipeline)
    nlp.get_pipe("str_rel").threshold = 0.75
    nlp.to_disk(pipeline)
    assert spacy.load(pipeline).get_pipe("str_rel").threshold == 0.75
    assert load_config(pipeline / "config.cfg")["components"]["str_rel"]["threshold"] == 0.75


def test_a_threshold_is_what_the_config_says(pipeline: Path) -> None:
    path = pipeline / "config.cfg"
    path.write_text(
        path.read_text("utf-8").replace("threshold = null", "threshold = 0.25"), "utf-8"
    )
    assert spacy.load(pipeline).get_pipe("str_rel").threshold == 0.25
    config = {"components.str_rel.threshold": 0.125}
    nlp = spacy.load(pipeline, config=config)
    assert nlp.get_pipe("str_rel").threshold == 0.125
    nlp.to_disk(pipeline)
    assert spacy.load(pipeline).get_pipe("str_rel").threshold == 0.125


def test_a_threshold_of_an_earlier_pipeline_is_that_of_its_component(pipeline: Path) -> None:
    component = spacy.load(pipeline).get_pipe("str_rel")
    component.cfg["threshold"] = 0.75
    component.to_disk(pipeline / "str_rel")
    nlp = spacy.load(pipeline)
    assert nlp.get_pipe("str_rel").threshold == 0.75
    nlp.to_disk(pipeline)
    assert "threshold" not in srsly.read_json(pipeline / "str_rel" / "cfg")
    assert spacy.load(pipeline).get_pipe("str_rel").threshold == 0.75


@pytest.mark.parametrize("copy", [deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))])
def test_a_threshold_of_a_copy_is_saved(
    pipeline: Path, copy: Callable[[Language], Language], tmp_path: Path
) -> None:
    nlp = spacy.load(pipeline)
    other = copy(nlp)
    other.get_pipe("str_rel").threshold = 0.75
    other.to_disk(tmp_path / "copy")
    assert spacy.load(tmp_path / "copy").get_pipe("str_rel").threshold == 0.75
    assert nlp.config["components"]["str_rel"]["threshold"] is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_default_of_pytorch_changes_nothing(
    pipeline: Path, dtype: torch.dtype, tmp_path: Path
) -> None:
    expected = answers(spacy.load(pipeline))
    torch.set_default_dtype(dtype)
    try:
        nlp = spacy.load(pipeline)
    finally:
        torch.set_default_dtype(torch.float32)
    assert answers(nlp) == expected
    nlp.to_disk(tmp_path / "again")
    assert answers(spacy.load(tmp_path / "again")) == expected


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("exclusive", False),
        ("symmetric", ["Position"]),
        ("schema", "observed"),
        ("spans_key", "sc"),
    ],
)
def test_a_config_that_says_something_else_than_was_trained_is_refused(
    pipeline: Path, setting: str, value: Any
) -> None:
    change = {f"components.str_rel.{setting}": value}
    with pytest.raises(ValueError, match=f"str_rel: the config says {setting} = ") as told:
        spacy.load(pipeline, config=change)
    assert repr(value) in str(told.value)
    content = spacy.load(pipeline).to_bytes()
    config = load_config(pipeline / "config.cfg", overrides=change)
    with pytest.raises(ValueError, match=f"the config says {setting}"):
        load_model_from_config(config, auto_fill=True).from_bytes(content)


class Exploit:
    """A pickle that makes a folder when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def replace_in_shim(model: bytes, exploit: bytes) -> bytes:
    message = srsly.msgpack_loads(model)
    (shims,) = [shims for shims in message["shims"] if shims]
    shims[0] = srsly.msgpack_dumps({**srsly.msgpack_loads(shims[0]), "state": exploit})
    return srsly.msgpack_dumps(message)


def replace_all(model: bytes, exploit: bytes) -> bytes:
    return exploit


@pytest.mark.parametrize(
    ("component", "replace"),
    [
        ("str_encoder", replace_in_shim),
        ("str_ner", replace_in_shim),
        *((component, replace_all) for component in COMPONENTS),
    ],
)
def test_a_pickle_in_the_place_of_weights_is_not_run(
    pipeline: Path,
    tmp_path: Path,
    component: str,
    replace: Callable[[bytes, bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exploit = pickle.dumps(Exploit(tmp_path / "made by the pickle"))
    path = pipeline / component / "model"
    path.write_bytes(replace(path.read_bytes(), exploit))
    # Whoever can write weights can write hashes.
    monkeypatch.setattr(sealed_pipe, "_check_seal", lambda folder, name: None)
    with pytest.raises(ValueError, match="can't load this pipeline"):
        load_pipeline(str(pipeline))
    assert not (tmp_path / "made by the pickle").exists()
    pickle.loads(exploit)
    assert (tmp_path / "made by the pickle").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "STREncoder.v1",
            "STREncoder.v2",
            "Could not find function 'spacy-str-encoder.STREncoder.v2' in function registry "
            "'architectures'. Was it saved by a newer spacy_str_encoder? The "
            "installed version is ",
        ),
        (
            'factory = "str_rel"',
            'factory = "str_rel_again"',
            "Can't find factory for 'str_rel_again' for language Chinese (zh). Was it saved by a",
        ),
        (
            "negative_rate",
            "negative_share",
            "str_rel -> negative_share unexpected argument: 'negative_share'. Was it saved by a",
        ),
    ],
)
def test_a_newer_config_is_refused_in_one_sentence(
    pipeline: Path, old: str, new: str, message: str
) -> None:
    path = pipeline / "config.cfg"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ValueError, match="can't load this pipeline") as caught:
        load_pipeline(str(pipeline))
    told = " ".join(str(caught.value).split())
    assert message in told and len(told) < 400


def test_no_pipeline_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere: can't load this pipeline"):
        load_pipeline(str(tmp_path / "nowhere"))


def test_where_a_pipeline_puts_its_entities(make_nlp: MakeNlp) -> None:
    assert entity_group(make_nlp()) is None
    assert entity_group(make_nlp(spans_key="b")) == "b"
    nlp = make_nlp(ner={"spans_key": "a"}, spans_key="b")
    assert entity_group(nlp) == "a"
    nlp.remove_pipe("str_rel")
    assert entity_group(nlp) == "a"
    nlp.disable_pipe("str_ner")
    assert entity_group(nlp) is None
    spancat = spacy.blank("en")
    spancat.add_pipe("spancat")
    assert entity_group(spancat) is None


def test_settings_of_attributes_are_found(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    assert default_values(nlp) == {}
    nlp.remove_pipe("str_ner")
    nlp.remove_pipe("str_rel")
    nlp.add_pipe("str_attr", config={"spans_key": "sc", "defaults": {"Assertion": "present"}})
    nlp.add_pipe("str_attr", "other", config={"defaults": {"Time": "now"}})
    assert default_values(nlp) == {"Assertion": "present", "Time": "now"}
    assert entity_group(nlp) == "sc"
