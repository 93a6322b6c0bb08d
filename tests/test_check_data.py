"""Training data are looked at before a pipeline is initialized."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import load_config

from spacy_str_encoder import Relation
from spacy_str_encoder.check_data import create_check
from spacy_str_encoder.doc.misaligned import add_misaligned

CONFIGS = Path(__file__).parents[1] / "configs"
NAME = "spacy-str-encoder.check_data.v1"
CORPUS, SPACY_CORPUS = "spacy-str-encoder.Corpus.v1", "spacy.Corpus.v1"
ENGLISH = spacy.blank("en")
PERSON, CITY = (0, 3, "Person"), (13, 17, "City")
TEXT = "Ada lives in Rome"


def make_doc(
    *entities: tuple[int, int, str],
    label: str | None = "lives_in",
    key: str | None = None,
    text: str = TEXT,
) -> Doc:
    """A doc whose first two entities have a relation; without a label, it has none."""
    doc = ENGLISH.make_doc(text)
    spans = [doc.char_span(start, end, label=name) for start, end, name in entities]
    doc.set_ents(spans if key is None else [])
    if key is not None:
        doc.spans[key] = spans
    related = label is not None and len(spans) > 1
    doc._.relations = [Relation(spans[0], spans[1], label)] if related else []
    return doc


def make_docs(count: int, *, text: str = TEXT, **options: Any) -> list[Doc]:
    return [make_doc(PERSON, CITY, text=f"{text} {i}", **options) for i in range(count)]


TRAIN, DEV = make_docs(10), make_docs(10, text=f"{TEXT} or")


def make_nlp(
    folder: Path,
    train: Iterable[Doc] = TRAIN,
    dev: Iterable[Doc] = DEV,
    *,
    lang: str = "en",
    pipes: Iterable[str] = ("str_ner", "str_rel"),
    spans_key: str | None = None,
    reader: str = CORPUS,
    **training: Any,
) -> Language:
    nlp = spacy.blank(lang)
    for name in pipes:
        nlp.add_pipe(name, config={"spans_key": spans_key})
    for name, docs in {"train": train, "dev": dev}.items():
        path = folder / f"{name}.spacy"
        DocBin(docs=docs, store_user_data=True).to_disk(path)
        own = nlp.config["corpora"][name] if reader == SPACY_CORPUS else {}
        nlp.config["corpora"][name] = {**own, "@readers": reader, "path": str(path)}
    nlp.config["training"].update(training)
    return nlp


def find_problems(folder: Path, *corpora: list[Doc], **settings: Any) -> list[str]:
    """The problems, each of which is a line."""
    with pytest.raises(ValueError, match="The data can't be trained on:") as caught:
        create_check()(make_nlp(folder, *corpora, **settings))
    return str(caught.value).splitlines()[1:]


def find_doubts(folder: Path, *corpora: list[Doc], **settings: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        create_check()(make_nlp(folder, *corpora, **settings))
    return [str(each.message) for each in caught]


def test_data_that_are_as_they_should_be_are_not_spoken_of(tmp_path: Path) -> None:
    assert find_doubts(tmp_path, max_steps=0) == []


@pytest.mark.parametrize("reader", [CORPUS, SPACY_CORPUS])
def test_all_problems_are_told_at_once(tmp_path: Path, reader: str) -> None:
    without = [make_doc(), make_doc(text="Nobody")]
    [train, *others] = find_problems(tmp_path, [ENGLISH.make_doc(" ")], without, reader=reader)
    assert "has no texts" in train
    assert others == [
        "dev has no entities, but str_ner is trained. Set doc.ents, or convert the annotations "
        "again.",
        "dev has no relations, but str_rel is trained. Set doc._.relations, and save the DocBin "
        "with store_user_data=True. To learn entities alone, remove str_rel from the pipeline, or "
        "freeze it.",
    ]


@pytest.mark.parametrize(
    "settings", [{"pipes": ["str_ner"]}, {"frozen_components": ["str_rel"]}], ids=str
)
def test_relations_are_needed_only_to_learn_them(tmp_path: Path, settings: Any) -> None:
    docs = make_docs(10, label=None), make_docs(10, label=None, text="Ada left it, Rome")
    assert find_doubts(tmp_path, *docs, max_steps=0, **settings) == []


@pytest.mark.parametrize(
    "settings", [{"pipes": ["str_rel"]}, {"frozen_components": ["str_ner"]}], ids=str
)
def test_entities_are_needed_only_to_learn_them(tmp_path: Path, settings: Any) -> None:
    docs = [make_doc() for _ in range(3)]
    [problem] = find_problems(tmp_path, docs, DEV, **settings)
    assert problem.startswith("train has no relations, but str_rel is trained.")


def test_an_empty_span_group_is_told_from_entities_elsewhere(tmp_path: Path) -> None:
    problems = find_problems(tmp_path, TRAIN, make_docs(10, key="other"), spans_key="sc")
    convert = (
        "Convert the annotations with --spans-key sc, or correct spans_key of str_ner; without a "
        "span group, it is null."
    )
    place = "has no entities in doc.spans['sc'] (spans_key), but 20 in"
    assert problems == [
        f"train {place} doc.ents. {convert}",
        f"dev {place} doc.spans['other']. {convert}",
    ]


def test_a_span_group_that_is_not_named_is_told(tmp_path: Path) -> None:
    [problem] = find_problems(tmp_path, make_docs(10, key="sc"), DEV)
    assert problem == (
        "train has no entities in doc.ents, but 20 in doc.spans['sc']. Set spans_key of str_ner to "
        "this span group."
    )


def test_a_filled_span_group_is_read(tmp_path: Path) -> None:
    docs = make_docs(10, key="sc"), make_docs(10, key="sc", text=f"{TEXT} or")
    weights = {"spans_sc_f": 1.0}
    found = find_doubts(tmp_path, *docs, spans_key="sc", max_steps=0, score_weights=weights)
    assert found == []


def test_a_language_that_does_not_fit_is_one_problem(tmp_path: Path) -> None:
    doc = ENGLISH.make_doc("前降支近段轻度狭窄约三成，回旋支未见明显狭窄。")
    doc.set_ents([])
    doc._.relations = []
    add_misaligned(doc, [(0, 3, "Vessel"), (3, 5, "Place")])
    assert find_problems(tmp_path, [doc, doc], DEV) == [
        "100 % of the entities of train do not align with words: the language is en, the text "
        'looks Chinese. Convert again with --lang zh, and set lang = "zh" under [nlp] of the '
        "config."
    ]
    [problem] = find_problems(tmp_path, [doc, doc], DEV, lang="zh")
    assert problem.endswith("but is not split into words. Convert again with --lang zh.")


def test_most_entities_that_do_not_align_are_a_problem(tmp_path: Path) -> None:
    docs = make_docs(3)
    for doc in docs:
        add_misaligned(doc, [(0, 2, "Person"), (1, 3, "Person"), (5, 6, "Person")])
    [problem] = find_problems(tmp_path, docs, DEV)
    assert problem.startswith(
        "60 % of the entities of train do not align with words: the language en may not be that"
    )


def test_labels_that_train_lacks_are_one_doubt(tmp_path: Path) -> None:
    dev = [*DEV, make_doc((0, 3, "Dog"), CITY, label="likes", text=f"{TEXT} too")]
    assert find_doubts(tmp_path, TRAIN, dev, max_steps=0) == [
        "dev has labels that train lacks: Dog (1), likes (1). They can't be predicted, and count "
        "as missed. Split the data again, or remove these labels."
    ]


def test_labels_of_a_trained_component_are_known(tmp_path: Path) -> None:
    nlp = make_nlp(tmp_path, dev=[*DEV, make_doc((0, 3, "Dog"), CITY, text="Tom lives in Rome")])
    nlp.get_pipe("str_ner").add_label("Dog")
    nlp.config["training"]["max_steps"] = 0
    with warnings.catch_warnings(), nlp.select_pipes(disable=["str_ner", "str_rel"]):
        warnings.simplefilter("error")
        create_check()(nlp)


@pytest.mark.parametrize(("shared", "is_told"), [(1, True), (0, False)])
def test_many_texts_in_both_are_a_doubt(tmp_path: Path, shared: int, is_told: bool) -> None:
    spaced = [make_doc(PERSON, (13, 17, "City"), text=f"{TEXT}  {i}\n") for i in range(10)]
    dev = [*DEV[shared:], *spaced[:shared]]
    told = [
        "Texts of dev are in train (1 of 10), so scores will be too high. Remove them, or split "
        "the data again: spacy-str-encoder convert --split keeps equal texts together."
    ]
    assert find_doubts(tmp_path, TRAIN, dev, max_steps=0) == (told if is_told else [])


def test_a_single_text_to_score_on_is_a_doubt(tmp_path: Path) -> None:
    assert find_doubts(tmp_path, TRAIN, DEV[:1], max_steps=0) == [
        "dev has a single text, so scores say little. Annotate more, or split the data again."
    ]


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (100, []),
        (50, ["total_steps of the learning rate is 50: nothing is learned after that."]),
        (200, ["total_steps of the learning rate is 200: it does not fall to zero."]),
        # Chosen later.
        (0, []),
    ],
)
def test_a_schedule_has_to_end_with_training(tmp_path: Path, total: int, told: list[str]) -> None:
    rate = {
        "@schedules": "warmup_linear.v1",
        "warmup_steps": 10,
        "total_steps": total,
        "initial_rate": 0.001,
    }
    optimizer = {"@optimizers": "Adam.v1", "learn_rate": rate}
    assert find_doubts(tmp_path, max_steps=100, eval_frequency=100, optimizer=optimizer) == [
        f"training.max_steps is 100, but {each} Set both to the same number." for each in told
    ]


@pytest.mark.parametrize(
    ("updates", "every", "is_told"), [(20, 200, True), (20, 21, True), (20, 20, False)]
)
def test_training_has_to_be_evaluated_after_the_first_update(
    tmp_path: Path, updates: int, every: int, is_told: bool
) -> None:
    told = [
        f"training.eval_frequency is {every}, but training ends after 20 updates: only the "
        "first is evaluated, so model-best will be almost untrained. Set "
        "--training.eval_frequency to 20 or less."
    ]
    found = find_doubts(tmp_path, max_steps=updates, eval_frequency=every)
    assert found == (told if is_told else [])


@pytest.mark.parametrize(
    ("weights", "frozen", "is_told"),
    [
        ({"ents_f": 0.5}, [], True),
        ({"ents_f": 0.5, "spans_sc_f": None}, [], True),
        ({"ents_f": 0.25, "spans_sc_f": 0.25}, [], False),
        ({"ents_f": 0.0, "rels_f": 1.0}, [], False),
        # The entities stay the same.
        ({"ents_f": 0.5}, ["str_ner"], False),
    ],
)
def test_the_score_has_to_count_entities_that_overlap(
    tmp_path: Path, weights: dict[str, float | None], frozen: list[str], is_told: bool
) -> None:
    docs = make_docs(10, key="sc"), make_docs(10, key="sc", text=f"{TEXT} or")
    told = [
        "str_ner has the spans_key sc, but model-best is chosen by ents_f, the score of doc.ents, "
        "which leaves out entities that overlap. Set --training.score_weights.ents_f 0 "
        "--training.score_weights.spans_sc_f 0.5."
    ]
    settings = {"score_weights": weights, "frozen_components": frozen, "max_steps": 0}
    found = find_doubts(tmp_path, *docs, spans_key="sc", **settings)
    assert found == (told if is_told else [])
    assert find_doubts(tmp_path, **settings) == []


def test_of_a_stream_the_first_texts_are_read(tmp_path: Path) -> None:
    train = [*make_docs(100), make_doc((0, 3, "Dog"), CITY, text="Tom lives in Rome")]
    dev = [*DEV, make_doc((0, 3, "Dog"), CITY, text="Tom lives in Rome, too")]
    assert len(find_doubts(tmp_path, train, dev, max_steps=0, max_epochs=-1)) == 1
    assert find_doubts(tmp_path, train, dev, max_steps=0, max_epochs=1) == []


def test_nothing_is_checked_without_training_data(tmp_path: Path) -> None:
    nlp = make_nlp(tmp_path, [], [])
    (tmp_path / "train.spacy").unlink()
    assert create_check()(nlp) is nlp
    nlp.config["corpora"]["train"] = {"@readers": "own.v1"}
    assert create_check()(nlp) is nlp


def test_a_corpus_to_score_on_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    nlp = make_nlp(tmp_path)
    (tmp_path / "dev.spacy").unlink()
    with pytest.raises(
        ValueError, match=r"Can't find the corpus .*dev\.spacy: .* --paths\.train and --paths\.dev"
    ):
        create_check()(nlp)


def test_a_tokenizer_that_is_not_initialized_yet_is_not_asked(tmp_path: Path) -> None:
    nlp = make_nlp(tmp_path, [], [])

    def fail(text: str) -> Doc:
        raise ValueError("not initialized")

    nlp.tokenizer = fail
    assert create_check()(nlp) is nlp


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.cfg")), ids=lambda path: path.stem)
def test_the_shipped_configs_check_data(path: Path) -> None:
    block = load_config(path)["initialize"]["before_init"]
    assert block == {"@callbacks": NAME}
    assert callable(registry.resolve({"check": block})["check"])
    overridden = load_config(path, overrides={"initialize.before_init": None})
    assert overridden["initialize"]["before_init"] is None
