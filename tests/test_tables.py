"""The tables of the paper: what is trained, what is trained again, and what is written."""

import json
import math
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
import typer
from matplotlib.figure import Figure
from spacy.tokens import DocBin
from spacy.util import dot_to_dict, dot_to_object, load_config
from thinc.api import Config
from typer.testing import CliRunner, Result

from scripts.tables.__main__ import main, parse_focus_layers
from scripts.tables.data import TableData, read_data
from scripts.tables.markdown import BASE, write_tables
from scripts.tables.plots import draw_curves, draw_focus, draw_joint
from scripts.tables.results import find_result, find_results, keep_result, spread, sum_up
from scripts.tables.run import run_trials
from scripts.tables.settings import QUICK_STEPS, TableSettings, list_changes, parse_changes
from scripts.tables.systems import (
    choose_systems,
    goes_beyond_paper,
    list_focus_layers,
    make_systems,
    name_of_base,
)
from scripts.tables.train import train_on
from scripts.tables.trials import Trial, make_config, plan_trials
from scripts.tables.workers import ROOT, Outcome, run_apart, run_here
from scripts.tables.write import write_all, write_page
from spacy_str_encoder.model_card.facts import count_parameters
from spacy_str_encoder.training.state import State, save_state

from .pipelines import ANNOTATIONS, MakeNlp, make_example
from .trials import Engine, make_result

CONFIGS = Path(__file__).parents[1] / "configs"
PARTS = ("train", "dev", "test_seen")


@pytest.fixture
def settings(encoder_path: Path, tmp_path: Path) -> TableSettings:
    """A corpus of a few texts, and a tiny encoder."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    nlp = spacy.blank("zh")
    docs = [make_example(nlp, annotation).reference for annotation in ANNOTATIONS]
    for part in PARTS:
        DocBin(docs=docs, store_user_data=True).to_disk(corpus / f"{part}.spacy")
    base = CONFIGS / "coronary.cfg"
    return TableSettings(base, str(encoder_path), corpus, ("test_seen",), seeds=1, steps=2)


# What is trained


def test_an_encoder_of_four_layers_makes_fifteen_systems() -> None:
    names = [system.name for system in make_systems([1, 2, 3, 4])]
    focused = {f"str_k{k}_{mask}" for k in (2, 3, 4) for mask in ("cls", "pair")} | {"str_k1"}
    separate = {"only_ner", "only_rc"}
    others = {"bilstm_crf", "rdcnn", "cnn", "rcn", "joint_bilstm"}
    assert set(names) == focused | separate | others | {"default"}
    assert len(names) == 15


def test_systems_are_those_of_the_paper_but_for_the_default(
    settings: TableSettings, tmp_path: Path
) -> None:
    base = load_config(settings.base, interpolate=False)
    base["components"]["str_rel"]["model"].update(mask="pair", entity_types=True)
    base["components"]["str_rel"]["schema"] = "observed"
    base.to_disk(tmp_path / "base.cfg", interpolate=False)
    beyond = replace(settings, base=tmp_path / "base.cfg")
    for system in choose_systems(beyond):
        components = make_config(system, beyond, seed=0)["components"]
        if "str_encoder" in components and "str_rel" in components:
            is_default = system.name == "default"
            assert components["str_rel"]["model"]["entity_types"] == is_default
            assert components["str_rel"]["schema"] == ("observed" if is_default else None)


def test_a_config_that_is_the_paper_s_has_no_row_of_its_own(
    settings: TableSettings, tmp_path: Path
) -> None:
    config = load_config(settings.base, interpolate=False)
    config["components"]["str_rel"]["model"].update(
        entity_types=False, pool_entities=False, pool_context=False
    )
    config.to_disk(tmp_path / "base.cfg", interpolate=False)
    for base in (tmp_path / "base.cfg", CONFIGS / "paper.cfg"):
        assert not goes_beyond_paper(base)
        assert "as in the config" not in "\n".join(tabulate(replace(settings, base=base), {}))
    plain = replace(settings, base=tmp_path / "base.cfg")
    assert "default" not in [system.name for system in choose_systems(plain)]
    assert "default" in [system.name for system in choose_systems(settings)]
    assert "as in the config" in "\n".join(rows_of(tabulate(settings, {}), "Table III"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("components.str_rel.schema", "observed"),
        ("components.str_rel.exclusive", False),
        ("components.str_ner.model.features", {"@architectures": "spacy.MultiHashEmbed.v2"}),
        ("training.annotating_components", ["str_encoder", "str_ner"]),
    ],
)
def test_what_goes_beyond_the_paper_is_switched_off(
    settings: TableSettings, tmp_path: Path, path: str, value: Any
) -> None:
    paper = load_config(CONFIGS / "paper.cfg", interpolate=False)
    base = paper.merge(dot_to_dict({path: value}))
    base.to_disk(tmp_path / "base.cfg", interpolate=False)
    assert goes_beyond_paper(tmp_path / "base.cfg")
    [system] = [each for each in make_systems([4]) if each.name == "str_k4_pair"]
    config = make_config(system, replace(settings, base=tmp_path / "base.cfg"), seed=0)
    assert dot_to_object(config, path) in (None, True, [])


def test_more_focused_layers_than_layers_are_refused(settings: TableSettings) -> None:
    # The encoder of the tests has three layers, the paper's K is four.
    with pytest.raises(ValueError, match=r"focus_layers must be 1 to 3, the layers of .*, got 4"):
        choose_systems(replace(settings, base=CONFIGS / "paper.cfg"))


def test_every_k_and_mask_is_set_in_the_config(settings: TableSettings) -> None:
    found = set()
    for system in choose_systems(settings):
        if system.name.startswith("str_"):
            components = make_config(system, settings, seed=5)["components"]
            k = components["str_encoder"]["model"]["focus_layers"]
            found.add((k, "any" if k == 1 else components["str_rel"]["model"]["mask"]))
    # The encoder of the tests has three layers.
    assert found == {(1, "any"), *((k, mask) for k in (2, 3) for mask in ("cls", "pair"))}


def test_only_the_chosen_values_of_k_are_compared(settings: TableSettings) -> None:
    chosen = replace(settings, focus_layers=(1, 3))
    names = [system.name for system in choose_systems(chosen)]
    focused = [name for name in names if name.startswith("str_")]
    # K = 2 is that of the base config.
    assert focused == ["str_k3_cls", "str_k3_pair", "str_k2_cls", "str_k2_pair", "str_k1"]
    assert list_focus_layers(chosen) == [1, 2, 3]


@pytest.mark.parametrize("k", [0, 4])
def test_a_value_of_k_beyond_the_layers_is_refused(settings: TableSettings, k: int) -> None:
    with pytest.raises(ValueError, match=rf"--focus-layers: .* 1 to 3, the layers of .*, got {k}"):
        choose_systems(replace(settings, focus_layers=(2, k)))


def test_values_of_k_are_numbers_with_commas() -> None:
    assert parse_focus_layers("1,2,12") == (1, 2, 12)
    assert parse_focus_layers(None) is None
    with pytest.raises(ValueError, match=r"such as 1,2,4, got 1;2"):
        parse_focus_layers("1;2")


def test_settings_of_a_system_can_be_changed(settings: TableSettings) -> None:
    path = "components.str_rel.negative_rate"
    changes = parse_changes([f"str_k2_cls:{path}=0.15", "str_k2_cls:training.dropout=0.2"])
    assert changes == {"str_k2_cls": {path: 0.15, "training.dropout": 0.2}}
    changed = replace(settings, changes=changes)
    for system in choose_systems(changed, ["str_k2_cls", "str_k2_pair"]):
        config = make_config(system, changed, seed=0)
        is_changed = system.name == "str_k2_cls"
        assert dot_to_object(config, path) == (0.15 if is_changed else 0.3)
        assert dot_to_object(config, "training.dropout") == (0.2 if is_changed else 0.1)
        assert dot_to_object(config, "components.str_encoder.model.focus_layers") == 2
    with pytest.raises(ValueError, match="no such system: nope"):
        choose_systems(replace(settings, changes={"nope": {}}), ["rdcnn"])


@pytest.mark.parametrize("change", ["", "cnn", "cnn:a.b", "a.b=1", "cnn:a.b=", "cnn:a.b=c"])
def test_changes_have_a_system_a_setting_and_a_value(change: str) -> None:
    with pytest.raises(ValueError, match=f"--set must be SYSTEM:SETTING=VALUE.*, got {change}$"):
        parse_changes([change])


def test_a_base_config_without_an_str_encoder_is_refused(settings: TableSettings) -> None:
    overlay = CONFIGS / "systems" / "cnn.cfg"
    with pytest.raises(ValueError, match=r"cnn\.cfg: must be the config of an STR-encoder"):
        choose_systems(replace(settings, base=overlay))


def test_the_system_of_the_base_config_is_among_them(settings: TableSettings) -> None:
    name = name_of_base(settings.base)
    [system] = choose_systems(settings, [name])
    components = make_config(system, settings, seed=0)["components"]
    base = load_config(settings.base)["components"]
    for component, setting in (("str_encoder", "focus_layers"), ("str_rel", "mask")):
        assert components[component]["model"][setting] == base[component]["model"][setting]


def test_the_config_has_the_seed_the_encoder_and_the_corpus(settings: TableSettings) -> None:
    [system] = choose_systems(settings, ["only_rc"])
    config = make_config(system, settings, seed=7).interpolate()
    assert config["training"]["seed"] == 7
    assert config["components"]["str_encoder"]["model"]["name"] == settings.encoder
    for part in ("train", "dev"):
        assert config["corpora"][part]["path"] == str(settings.corpus / f"{part}.spacy")


@pytest.mark.parametrize(
    ("base", "steps", "warmup"),
    [("coronary", 300, 60), ("coronary", 60, 30), ("english", 300, 0), ("paper", 300, None)],
)
def test_fewer_updates_shorten_the_schedule_too(
    settings: TableSettings, base: str, steps: int, warmup: int | None
) -> None:
    shorter = replace(settings, base=CONFIGS / f"{base}.cfg", steps=steps)
    [system] = [each for each in make_systems([4]) if each.name == "only_ner"]
    training = make_config(system, shorter, seed=0)["training"]
    assert (training["max_steps"], training["eval_frequency"]) == (steps, steps // 6)
    if warmup is None:
        assert training["optimizer"]["learn_rate"] == 1e-5
    else:
        assert training["optimizer"]["learn_rate"]["total_steps"] == steps
        assert training["optimizer"]["learn_rate"]["min_warmup_steps"] == warmup


@pytest.mark.parametrize("steps", [QUICK_STEPS, 250, 7, 2])
def test_the_end_of_a_short_training_is_evaluated(settings: TableSettings, steps: int) -> None:
    shorter = replace(settings, steps=steps)
    [system] = choose_systems(shorter, ["only_ner"])
    every = make_config(system, shorter, seed=0)["training"]["eval_frequency"]
    # Less than a sixth of the way is left without an evaluation, and of the shipped steps nothing.
    assert steps % every < min(every, 6)
    assert steps != QUICK_STEPS or steps % every == 0


def test_other_data_are_trained_in_a_folder_of_their_own(settings: TableSettings) -> None:
    others = (
        replace(settings, corpus=settings.corpus / "other"),
        replace(settings, encoder="other"),
        replace(settings, steps=3),
        replace(settings, tests=("other",)),
    )
    assert len({settings.name, *(other.name for other in others)}) == 5
    assert replace(settings, seeds=9).name == settings.name


def test_without_a_number_of_updates_the_schedule_is_that_of_the_config(
    settings: TableSettings,
) -> None:
    [system] = choose_systems(settings, ["only_ner"])
    training = make_config(system, replace(settings, steps=None), seed=0)["training"]
    shipped = load_config(settings.base)["training"]
    for section in ("max_steps", "eval_frequency", "optimizer"):
        assert training[section] == shipped[section]


def test_an_unknown_system_is_named_beside_those_that_there_are(settings: TableSettings) -> None:
    with pytest.raises(ValueError, match=r"no such system: str_k9_cls\. Choose from .*str_k1"):
        choose_systems(settings, ["only_ner", "str_k9_cls"])


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_file_of_the_corpus_is_named(settings: TableSettings, part: str) -> None:
    settings.part(part).unlink()
    with pytest.raises(ValueError, match=rf"{part}\.spacy: no such file"):
        plan_trials(choose_systems(settings, ["only_ner"]), settings)


def test_parameters_are_counted_once(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.initialize(lambda: [make_example(nlp, annotation) for annotation in ANNOTATIONS])
    encoder = nlp.get_pipe("str_encoder").model.transformer
    width, classes = encoder.config.hidden_size, 1 + len(nlp.get_pipe("str_rel").classes)
    # O, and four for each of the five types.
    tags = 1 + 4 * 5
    emissions = (width + 1) * tags
    transitions = tags * tags + 2 * tags
    relations = (width + 1) * width + (width + 1) * classes
    of_encoder = sum(parameter.numel() for parameter in encoder.parameters())
    assert (
        sum(dict(count_parameters(nlp)).values())
        == of_encoder + emissions + transitions + relations
    )


# What is trained again


@pytest.fixture
def trials(settings: TableSettings) -> list[Trial]:
    systems = choose_systems(settings, ["only_ner", "only_rc"])
    return plan_trials(systems, replace(settings, seeds=2))


NAMES = ["only_ner-seed0", "only_rc-seed0", "only_ner-seed1", "only_rc-seed1"]


def test_finished_trials_are_skipped(trials: list[Trial], tmp_path: Path) -> None:
    first, second = Engine(), Engine()
    assert run_trials(trials, tmp_path, first) == []
    results = find_results(trials, tmp_path)
    assert run_trials(trials, tmp_path, second) == []
    assert first.names == NAMES
    assert second.names == []
    assert find_results(trials, tmp_path) == results
    assert {name: len(kept) for name, kept in results.items()} == {"only_ner": 2, "only_rc": 2}


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_what_was_interrupted_is_trained_again(
    trials: list[Trial], tmp_path: Path, damage: str
) -> None:
    run_trials(trials, tmp_path, Engine())
    path = tmp_path / NAMES[1] / "scores.json"
    text = path.read_text("utf-8")
    path.unlink()
    if damage != "missing":
        path.write_text(text[: len(text) // 2] if damage == "cut" else "", "utf-8")
    engine = Engine()
    run_trials(trials, tmp_path, engine)
    assert engine.names == [NAMES[1]]
    assert json.loads(path.read_text("utf-8")) == json.loads(text)


def test_a_result_is_never_there_in_part(trials: list[Trial], tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    keep_result(make_result(90), trials[0], folder, commit="abc")
    assert [path.name for path in folder.iterdir()] == ["scores.json"]
    with pytest.raises(TypeError):
        keep_result(make_result(80, curve=object()), trials[0], folder, commit="abc")
    kept, _ = find_result(trials[0], folder)
    assert kept is not None and kept["scores"]["dev"]["entities"]["f"] == 0.9


def change_config(settings: TableSettings, folder: Path) -> TableSettings:
    base = load_config(settings.base).merge({"training": {"dropout": 0.25}})
    base.to_disk(folder / "base.cfg", interpolate=False)
    return replace(settings, base=folder / "base.cfg")


def change_corpus(settings: TableSettings, folder: Path) -> TableSettings:
    DocBin().to_disk(settings.part("test_seen"))
    return settings


def change_encoder(settings: TableSettings, folder: Path) -> TableSettings:
    copied = folder / "encoder"
    copied.mkdir()
    for path in Path(settings.encoder).iterdir():
        copied.joinpath(path.name).write_bytes(path.read_bytes())
    return replace(settings, encoder=str(copied))


@pytest.mark.parametrize("change", [change_config, change_corpus, change_encoder])
def test_other_settings_or_data_are_trained_again_and_that_is_said(
    settings: TableSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    systems = choose_systems(settings, ["only_ner"])
    run_trials(plan_trials(systems, settings), tmp_path, Engine())
    engine = Engine()
    run_trials(plan_trials(systems, change(settings, tmp_path)), tmp_path, engine)
    assert engine.names == ["only_ner-seed0"]
    assert "only_ner-seed0 is trained again, because its settings or" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{}", '{"fingerprint": "", "scores": {}}'])
def test_a_file_that_is_no_result_is_replaced(
    trials: list[Trial], tmp_path: Path, content: str
) -> None:
    run_trials(trials, tmp_path, Engine())
    (tmp_path / NAMES[1] / "scores.json").write_text(content, "utf-8")
    engine = Engine()
    run_trials(trials, tmp_path, engine)
    assert engine.names == [NAMES[1]]


def test_two_runs_do_not_train_in_one_folder(trials: list[Trial], tmp_path: Path) -> None:
    def engine(due: Sequence[Trial]) -> Iterator[Outcome]:
        with pytest.raises(ValueError, match=f"{tmp_path}: another run trains here"):
            run_trials(trials, tmp_path, Engine())
        yield from Engine()(due)

    assert run_trials(trials, tmp_path, engine) == []


@pytest.mark.slow
def test_a_trial_ends_with_what_started_it(trials: list[Trial], tmp_path: Path) -> None:
    config = Config().from_str(trials[0].config)
    config["training"]["max_steps"] = 10**9
    config.to_disk(tmp_path / "config.cfg", interpolate=False)
    command = [sys.executable, "-m", "scripts.tables.train", "--", str(tmp_path), "-1"]
    # Run like this, its standard input is at its end.
    ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=120)
    assert ended.returncode == 1
    assert not (tmp_path / "result.json").exists()


@pytest.mark.slow
def test_a_trial_that_was_interrupted_goes_on(
    trials: list[Trial],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = tmp_path / "whole", tmp_path / "interrupted"
    for folder in folders:
        folder.mkdir()
        (folder / "config.cfg").write_text(trials[0].config, "utf-8")
    _, expected = train_on(folders[0], -1)
    assert [step["step"] for step in expected] == [0, 1, 2]

    def interrupt(folder: Path, state: State, *others: Any) -> None:
        save_state(folder, state, *others)
        if state.step == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr("spacy_str_encoder.training.run.save_state", interrupt)
        train_on(folders[1], -1)
    # The second half takes a second, by this clock.
    times = iter((10.0, 11.0))
    monkeypatch.setattr("scripts.tables.train.process_time", lambda: next(times))
    capsys.readouterr()
    assert train_on(folders[1], -1) == (3.0, expected)
    assert "Resuming after update 1" in capsys.readouterr().out
    weights = [folder / "model" / "model-last" / "str_ner" / "model" for folder in folders]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_only_the_same_trial_goes_on(
    trials: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits, folder = ["a"], tmp_path / "trial"
    monkeypatch.setattr("scripts.tables.workers.find_commit", lambda: commits[-1])
    monkeypatch.setattr("scripts.tables.workers.sys.executable", "false")

    def goes_on(trial: Trial) -> bool:
        """Whether a trial finds what an earlier one has left."""
        found = (folder / "model").exists()
        assert run_apart(trial, folder, keep_model=True).result is None
        goes_on = found and (folder / "model").exists()
        (folder / "model").mkdir(exist_ok=True)
        assert (folder / "config.cfg").read_text("utf-8") == trial.config
        return goes_on

    assert not goes_on(trials[0])
    assert goes_on(trials[0])
    assert not goes_on(trials[1])
    commits.append("b")
    assert not goes_on(trials[1])
    assert goes_on(trials[1])
    (folder / "begun.json").write_text('{"fingerprint":', "utf-8")
    assert not goes_on(trials[1])


def test_a_trial_that_fails_leaves_the_others_alone(trials: list[Trial], tmp_path: Path) -> None:
    assert run_trials(trials, tmp_path, Engine(failing=[NAMES[0]])) == [NAMES[0]]
    results = find_results(trials, tmp_path)
    assert {name: len(kept) for name, kept in results.items()} == {"only_ner": 1, "only_rc": 2}
    assert (tmp_path / NAMES[0] / "log.txt").read_text("utf-8") == f"log of {NAMES[0]}"
    # It is tried again.
    engine = Engine()
    assert run_trials(trials, tmp_path, engine) == []
    assert engine.names == [NAMES[0]]


def test_a_trial_whose_folder_cannot_be_written_leaves_the_others_alone(
    trials: list[Trial], tmp_path: Path
) -> None:
    tmp_path.joinpath("file").touch()
    outcomes = list(run_here(trials[:2], tmp_path / "file", workers=2))
    assert [outcome.result for outcome in outcomes] == [None, None]
    assert all("file" in outcome.log for outcome in outcomes)


# What is written


def test_mean_and_standard_deviation_are_those_of_a_sample() -> None:
    # By hand: the squared distances from 90 are 100, 0 and 100, and 200 / (3 - 1) = 10 ** 2.
    assert spread([80.0, 90.0, 100.0]) == (90.0, 10.0)
    assert spread([80.0]) == (80.0, None)
    assert [str(spread(values)) for values in ([80.0, 90.0, 100.0], [80.0])] == [
        "90.0 ± 10.0",
        "80.0",
    ]
    values = [71.3, 68.2, 70.9, 74.4]
    mean = math.fsum(values) / 4
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / 3)
    assert spread(values) == pytest.approx((mean, deviation))
    assert statistics.stdev(values) == pytest.approx(deviation)


def test_scores_are_summed_up_over_seeds() -> None:
    results = [make_result(f) for f in (80, 90, 100)]
    assert sum_up(results, "dev", "entities") == ((90, 10),) * 3
    assert sum_up(results, "dev", "relations") is None
    assert sum_up([], "dev", "entities") is None


def tabulate(settings: TableSettings, results: Any, failed: Sequence[str] = ()) -> list[str]:
    return write_tables(
        results, settings, layers=4, focus_layers=[1, 2, 3, 4], failed=failed
    ).splitlines()


def rows_of(lines: list[str], title: str) -> list[str]:
    start = next(i for i, line in enumerate(lines) if re.match(rf"## {title}\b", line))
    rest = lines[start + 1 :]
    end = next((i for i, line in enumerate(rest) if line.startswith("## ")), len(rest))
    return [line for line in rest[:end] if line.startswith("|")][2:]


# As they stand in the paper.
@pytest.mark.parametrize(
    ("title", "row", "cells"),
    [
        ("Table II", 0, "Bi-LSTM-CRF (Huang et al. 2015) | NER | 94.46 / 94.07 / 94.26"),
        ("Table II", 1, "RDCNN (Qiu et al. 2018) | NER | 96.49 / 94.90 / 95.69"),
        ("Table II", 2, "Joint-Bi-LSTM (Zheng et al. 2017) | NER | 93.84 / 96.69 / 95.24"),
        ("Table II", 3, "STR-encoder | NER | 96.69 / 97.09 / 96.89"),
        ("Table III", 0, "RCN (Wang et al. 2018) | RC, gold entities | 90.77 / 93.65 / 92.19"),
        ("Table III", 1, "94.49 / 95.24 / 94.86"),
        ("Table III", 2, "92.92 / 92.86 / 92.88"),
        ("Table III", 3, "96.06 / 96.83 / 96.44"),
        ("Table IV", 0, "RC, predicted entities | 93.64 / 81.75 / 87.29"),
        ("Table IV", 1, "95.41 / 82.54 / 88.51"),
        ("Table V", 1, "Eq. 13 | 2 | 95.07 / 97.93 / 96.48 | – | 97.08 / 87.37 / 91.97"),
        ("Table V", 3, "Eq. 13 | 4 | 94.98 / 98.20 / 96.56 | – | 97.06 / 86.84 / 91.67"),
        ("Table V", 4, "Eq. 13 | 6 | 95.39 / 98.20 / 96.77 | – | 98.20 / 86.32 / 91.88"),
        ("Table V", 6, "Eq. 14 | 2 | 94.67 / 97.93 / 96.27 | – | 95.95 / 87.37 / 91.46"),
        ("Table V", 8, "Eq. 14 | 4 | 94.77 / 97.87 / 96.29 | – | 98.21 / 86.84 / 92.18"),
        ("Table V", 9, "Eq. 14 | 6 | 94.47 / 97.93 / 96.17 | – | 96.51 / 87.37 / 91.71"),
        ("Table VI", 0, "STR-encoder, only NER | NER | 95.14 / 97.64 / 96.37"),
        ("Table VI", 2, "STR-encoder, only RC | RC, gold entities | 96.00 / 95.24 / 95.62"),
        ("Table VI", 3, "96.06 / 96.83 / 96.44"),
    ],
)
def test_the_tables_have_the_figures_of_the_paper(
    settings: TableSettings, title: str, row: int, cells: str
) -> None:
    assert f"| {cells} |" in rows_of(tabulate(settings, {}), title)[row]


def test_our_figures_stand_beside_those_of_the_paper(settings: TableSettings) -> None:
    lines = tabulate(settings, {"rdcnn": [make_result(f) for f in (80, 90, 100)]})
    ours = " / ".join(["90.0 ± 10.0"] * 3)
    assert rows_of(lines, "Table II")[1].endswith(f"| {ours} | 1,234,567 |")
    # One seed has no deviation.
    lines = tabulate(settings, {BASE: [make_result(80, 70, 60)]})
    assert rows_of(lines, "Table II")[3].endswith("| 80.0 / 80.0 / 80.0 | 1,234,567 |")
    assert rows_of(lines, "Table III")[3].endswith("| 60.0 / 60.0 / 60.0 | 1,234,567 |")
    assert rows_of(lines, "Table IV")[1].endswith("| 70.0 / 70.0 / 70.0 | 1,234,567 |")


def test_differences_are_tested_over_the_texts_of_the_seeds_that_both_have(
    settings: TableSettings,
) -> None:
    results = {
        BASE: [make_result(90, 80, 70), make_result(70, 80, 70), make_result(0, 0, 0)],
        "only_ner": [make_result(60), make_result(60)],
        "joint_bilstm": [make_result(90, 80, 75)],
    }
    rows = rows_of(tabulate(settings, results), "Differences")
    # All texts of a system are alike, so that each sample has the same difference.
    worse = "+20.0 (+20.0 to +20.0), p = 0.0002"
    same = "+0.0 (+0.0 to +0.0), p = 1.0000"
    joint = "Joint-Bi-LSTM (Zheng et al. 2017)"
    assert rows == [
        f"| {joint} | NER | {same} |",
        f"| {joint} | RC, gold entities | -5.0 (-5.0 to -5.0), p = 0.0002 |",
        f"| {joint} | RC, predicted entities | {same} |",
        f"| STR-encoder, only NER | NER | {worse} |",
    ]


def test_a_difference_to_a_system_without_a_score_is_missing(settings: TableSettings) -> None:
    rows = rows_of(tabulate(settings, {"only_ner": [make_result(60)]}), "Differences")
    assert rows == ["| STR-encoder, only NER | NER | – |"]


def test_with_one_focused_layer_both_masks_have_the_same_figures(settings: TableSettings) -> None:
    rows = rows_of(tabulate(settings, {"str_k1": [make_result(80, 70)]}), "Table V")
    cells = "1 | – | 80.0 / 80.0 / 80.0 | – | 70.0 / 70.0 / 70.0 | 1,234,567 |"
    assert [rows[0], rows[5]] == [f"| Eq. 13 | {cells}", f"| Eq. 14 | {cells}"]


def test_what_the_figures_are_worth_is_said_first(settings: TableSettings) -> None:
    results = {"only_ner": [make_result(90, seconds=1800.0)] * 2, "only_rc": [make_result(90)]}
    settings = replace(settings, seeds=2)
    text = "\n".join(tabulate(settings, results, failed=["rcn-seed0"]))
    head = text[: text.index("## ")]
    for words in (
        "The corpora differ",
        "Chinese BERT-base",
        f"`{settings.encoder}`",
        f"`{settings.corpus}`",
        f"`{settings.base}`; 2 updates; seeds: 2",
        "Fewer seeds than 2:** only_rc (1).",
        "Commit: abc",
        "all trials: 1.0 hours on one core",
        "rcn-seed0",
    ):
        assert words in head


def test_a_run_with_fewer_updates_is_marked_in_every_title(settings: TableSettings) -> None:
    for base, steps, marked in (
        ("coronary", 300, True),
        ("coronary", None, False),
        ("coronary", 1400, False),
        ("coronary", 2500, False),
        ("paper", 300, True),
    ):
        base_path = CONFIGS / f"{base}.cfg"
        lines = tabulate(replace(settings, base=base_path, steps=steps), {})
        titles = [line for line in lines if line.startswith("#")]
        assert len(titles) == 7
        assert [title.endswith("(quick)") for title in titles] == [marked] * 7


def test_a_length_of_training_is_told_in_its_own_unit(settings: TableSettings) -> None:
    whole = replace(settings, base=CONFIGS / "paper.cfg", steps=None)
    assert "80 epochs" in "\n".join(tabulate(whole, {}))


def test_the_command_and_changes_are_told(settings: TableSettings) -> None:
    changes = {"rcn": {"training.dropout": 0.2}, "cnn": {"nlp.lang": "zh"}}
    given = replace(
        settings, base=Path("a b.cfg"), corpus=Path("corpus"), encoder="e", focus_layers=(2, 4)
    )
    assert replace(given, changes=changes).command == (
        "python -m scripts.tables --base 'a b.cfg' --encoder e --corpus corpus --test test_seen "
        "--focus-layers 2,4 --seeds 1 --steps 2 --set rcn:training.dropout=0.2 "
        "--set 'cnn:nlp.lang=\"zh\"'"
    )
    assert parse_changes(list_changes(changes)) == changes
    changed = replace(settings, changes=changes)
    lines = tabulate(changed, {})
    assert f"- Command: `{changed.command}`" in lines
    assert "- `rcn` has `training.dropout=0.2`." in lines


def test_tables_can_be_written_again_from_the_file_beside_them(
    settings: TableSettings, tmp_path: Path
) -> None:
    results = {"str_k2_pair": [make_result(90, 80, 70)] * 2, "cnn": [make_result(60)]}
    settings = replace(settings, focus_layers=(2, 4), changes={"cnn": {"training.dropout": 0.2}})
    data = TableData(results, settings, 4, [1, 2])
    write_all(tmp_path, data, ())
    assert write_page(read_data(tmp_path / "figures.jsonl")) == (
        (tmp_path / "tables.md").read_text("utf-8")
    )
    assert read_data(tmp_path / "figures.jsonl") == data


WRITTEN = sorted(ROOT.glob("docs/tables/*/figures.jsonl"))


def test_the_figures_of_both_corpora_are_there() -> None:
    assert {path.parent.name for path in WRITTEN} == {"clinical", "pretrained"}


@pytest.mark.parametrize("figures", WRITTEN, ids=lambda path: path.parent.name)
def test_the_printed_tables_are_those_of_the_figures_beside_them(
    figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The config is named as seen from there.
    monkeypatch.chdir(ROOT)
    printed = (figures.parent / "tables.md").read_text("utf-8")
    assert write_page(read_data(figures)) == printed


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn."""
    figures: list[Figure] = []

    class Recorded(Figure):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            figures.append(self)

    monkeypatch.setattr("scripts.tables.plots.Figure", Recorded)
    return figures


def draw(folder: Path, results: Any) -> None:
    draw_focus(folder / "focus.png", results, focus_layers=[1, 2, 3, 4])
    draw_curves(folder / "curves.png", results)
    draw_joint(folder / "joint.png", results, tests=["test_seen"])
    assert [path.read_bytes()[:4] for path in folder.glob("*.png")] == [b"\x89PNG"] * 3


def test_plots_show_the_means_over_seeds(tmp_path: Path, drawn: list[Figure]) -> None:
    names = [system.name for system in make_systems([1, 2, 3, 4])]
    results = {name: [make_result(90, 80, 70), make_result(80, 70, 60)] for name in names}
    draw(tmp_path, {**results, BASE: [make_result(60, 50, 40), make_result(50, 40, 30)]})
    focus, curves, [joint] = (figure.axes for figure in drawn)
    for axes, mean in zip(focus, (85, 75), strict=True):
        means, deviations, _ = zip(*axes.containers, strict=True)
        assert [line.get_ydata().tolist() for line in means] == [[mean] * 4] * 2
        for line in means:
            assert line.get_xdata() == pytest.approx([1, 2, 3, 4], abs=0.05)
        assert all(len(caps) == 2 for caps in deviations)
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Eq. 13", "Eq. 14"]
    assert {tuple(map(tuple, line.get_xydata())) for line in curves[0].lines} == {((100, 90),)}
    assert curves[1].lines[:] == []
    heights = [[bar.get_height() for bar in bars] for bars in joint.containers[1::2]]
    assert heights == [[85, 65], [55, 35]]


def test_plots_are_drawn_if_there_is_nothing_to_show(tmp_path: Path, drawn: list[Figure]) -> None:
    draw(tmp_path, {})
    assert [len(figure.axes) for figure in drawn] == [2, 2, 1]


# The real thing


def run(settings: TableSettings, folder: Path, *options: str) -> Result:
    app = typer.Typer()
    app.command()(main)
    arguments = ["--base", settings.base, "--encoder", settings.encoder]
    arguments += ["--corpus", settings.corpus, "--test", "test_seen", "--steps", 2, "--seeds", 1]
    arguments += ["--trials", folder / "trials", "--output", folder, *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.mark.slow
def test_systems_are_trained_here_and_one_that_fails_is_named(
    settings: TableSettings, tmp_path: Path
) -> None:
    # No pipeline with relations can be built of it.
    config = load_config(settings.base).merge({"components": {"str_rel": {"negative_rate": 2}}})
    config.to_disk(tmp_path / "base.cfg", interpolate=False)
    broken = replace(settings, base=tmp_path / "base.cfg")
    result = run(broken, tmp_path, "--system", "only_ner", "--system", "only_rc", "--workers", "2")
    assert result.exit_code == 1
    [folder] = (tmp_path / "trials").glob("base-2-steps-*")
    log = folder / "only_rc-seed0" / "log.txt"
    assert "1 of 2 trials failed" in result.stderr and str(log) in result.stderr
    assert "negative_rate must be from 0 to 1" in log.read_text("utf-8")
    assert log.read_text("utf-8").endswith("\nExit status: 1\n")
    scores = read(folder / "only_ner-seed0" / "scores.json")
    assert {part: set(tasks) for part, tasks in scores["scores"].items()} == {
        "dev": {"entities"},
        "test_seen": {"entities"},
    }
    assert [step["step"] for step in scores["curve"]] == [0, 1, 2]
    assert not (folder / "only_ner-seed0" / "model").exists()
    text = (tmp_path / "tables.md").read_text("utf-8")
    assert "Failed and missing below:** only_rc-seed0" in text
    rows = rows_of(text.splitlines(), "Table VI")
    assert ["–" in row for row in rows] == [False, True, True, True]


@pytest.mark.slow
def test_what_was_trained_before_is_in_the_tables_too(
    settings: TableSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    monkeypatch.setattr(
        "scripts.tables.__main__.run_here", lambda trials, **options: engine(trials)
    )
    for system in ("only_ner", "rdcnn"):
        assert run(settings, tmp_path, "--system", system).exit_code == 0
    assert engine.names == ["only_ner-seed0", "rdcnn-seed0"]
    lines = (tmp_path / "tables.md").read_text("utf-8").splitlines()
    trained = [rows_of(lines, "Table II")[1], rows_of(lines, "Table VI")[0]]
    assert all("90.0 / 90.0 / 90.0" in row for row in trained)
