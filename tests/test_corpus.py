import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import spacy
from spacy import registry
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.relation import has_relations
from spacy_str_encoder.scorers import score_relations

Reader = Callable[[Language], Iterable[Example]]

TEXT = "前降支狭窄。"


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy.blank("zh")


def make_doc(nlp: Language, *, repeats: int = 1, relations: bool | None = True) -> Doc:
    """A doc with two entities a sentence and a relation between them; False for a doc annotated as
    having no relation, None for an unannotated one.
    """
    doc = nlp.make_doc(TEXT * repeats)
    starts = [i * len(TEXT) for i in range(repeats)]
    vessels = [Span(doc, start, start + 3, "Body") for start in starts]
    degrees = [Span(doc, start + 3, start + 5, "Degree") for start in starts]
    doc.set_ents(vessels + degrees)
    for start in starts:
        doc[start].is_sent_start = True
    if relations is not None:
        pairs = zip(degrees, vessels, strict=True) if relations else []
        doc._.relations = [Relation(head, tail, "Modifier") for head, tail in pairs]
    return doc


def write(path: Path, docs: list[Doc], *, store_user_data: bool = True) -> Path:
    DocBin(docs=docs, store_user_data=store_user_data).to_disk(path)
    return path


def make_reader(path: Path | None, **settings: float) -> Reader:
    return registry.readers.get("spacy-str-encoder.Corpus.v1")(path, **settings)


def read_relations(doc: Doc) -> list[tuple[str, int, str, int, str]]:
    return [
        (r.head.label_, r.head.start, r.tail.label_, r.tail.start, r.label) for r in doc._.relations
    ]


def test_entities_and_relations_are_read(nlp: Language, tmp_path: Path) -> None:
    path = write(tmp_path / "train.spacy", [make_doc(nlp, repeats=2)])
    [example] = make_reader(path)(nlp)
    ents = [(ent.text, ent.start, ent.label_) for ent in example.reference.ents]
    assert ents == [
        ("前降支", 0, "Body"),
        ("狭窄", 3, "Degree"),
        ("前降支", 6, "Body"),
        ("狭窄", 9, "Degree"),
    ]
    assert read_relations(example.reference) == [
        ("Degree", 3, "Body", 0, "Modifier"),
        ("Degree", 9, "Body", 6, "Modifier"),
    ]


def test_the_doc_to_predict_on_has_no_annotation(nlp: Language, tmp_path: Path) -> None:
    path = write(tmp_path / "train.spacy", [make_doc(nlp)])
    [example] = make_reader(path)(nlp)
    assert example.predicted.text == TEXT
    assert not example.predicted.has_annotation("ENT_IOB")
    assert not has_relations(example.predicted)


def test_a_corpus_can_be_read_once_an_epoch(nlp: Language, tmp_path: Path) -> None:
    reader = make_reader(write(tmp_path / "train.spacy", [make_doc(nlp)]))
    epochs = [[read_relations(example.reference) for example in reader(nlp)] for _ in range(2)]
    assert epochs == [[[("Degree", 3, "Body", 0, "Modifier")]]] * 2


@pytest.mark.parametrize("name", ["train.jsonl", "empty"])
def test_what_is_no_corpus_is_refused(nlp: Language, tmp_path: Path, name: str) -> None:
    (tmp_path / "train.jsonl").write_text("{}", "utf-8")
    (tmp_path / "empty").mkdir()
    path = tmp_path / name
    with pytest.raises(ValueError, match=re.escape(f"The corpus {path} must be a .spacy file")):
        list(make_reader(path)(nlp))


def test_a_file_that_is_cut_is_named(nlp: Language, tmp_path: Path) -> None:
    write(tmp_path / "first.spacy", [make_doc(nlp)])
    cut = write(tmp_path / "second.spacy", [make_doc(nlp)])
    whole = cut.read_bytes()
    for size in range(len(whole)):
        cut.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"second\.spacy: the file is not a DocBin"):
            list(make_reader(tmp_path)(nlp))
    cut.write_bytes(whole)
    assert len(list(make_reader(tmp_path)(nlp))) == 2


@pytest.mark.parametrize(("limit", "expected"), [(0, [1, 2, 3]), (2, [1, 2]), (9, [1, 2, 3])])
def test_a_limit_is_the_number_of_docs_read(
    nlp: Language, tmp_path: Path, limit: int, expected: list[int]
) -> None:
    docs = [make_doc(nlp, repeats=repeats) for repeats in (1, 2, 3)]
    reader = make_reader(write(tmp_path / "train.spacy", docs), limit=limit)
    assert [len(example.reference._.relations) for example in reader(nlp)] == expected


@pytest.mark.slow
def test_a_share_is_a_draw_that_is_the_same_each_time_it_is_read(
    nlp: Language, tmp_path: Path
) -> None:
    docs = [make_doc(nlp, repeats=repeats) for repeats in range(1, 201)]
    path = write(tmp_path / "train.spacy", docs)

    def draw(share: float, seed: int) -> set[int]:
        reader = make_reader(path, share=share, seed=seed)
        drawn = [len(example.reference) // len(TEXT) for example in reader(nlp)]
        assert drawn == [len(example.reference) // len(TEXT) for example in reader(nlp)]
        assert drawn == sorted(set(drawn))
        return set(drawn)

    tenth, third = draw(0.1, 0), draw(0.3, 0)
    assert tenth < third < draw(1.0, 0) == set(range(1, 201))
    # Four standard deviations of what is drawn.
    assert abs(len(tenth) - 20) < 17 and abs(len(third) - 60) < 26
    assert draw(0.1, 1) != tenth


def test_a_limit_counts_the_docs_that_are_drawn(nlp: Language, tmp_path: Path) -> None:
    docs = [make_doc(nlp, repeats=repeats) for repeats in range(1, 51)]
    path = write(tmp_path / "train.spacy", docs)
    drawn = [eg.reference.text for eg in make_reader(path, share=0.5)(nlp)]
    assert [eg.reference.text for eg in make_reader(path, share=0.5, limit=9)(nlp)] == drawn[:9]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=rf"train.spacy must be above 0 and at most 1, got {share}"
    ):
        make_reader(tmp_path / "train.spacy", share=share)


@pytest.mark.parametrize(("limit", "expected"), [(0, [1, 2, 3, 4]), (2, [1, 2]), (3, [1, 2, 3])])
def test_all_files_of_a_folder_are_read_up_to_the_limit(
    nlp: Language, tmp_path: Path, limit: int, expected: list[int]
) -> None:
    write(tmp_path / "a.spacy", [make_doc(nlp, repeats=1), make_doc(nlp, repeats=2)])
    (tmp_path / "more").mkdir()
    write(tmp_path / "more" / "b.spacy", [make_doc(nlp, repeats=3), make_doc(nlp, repeats=4)])
    (tmp_path / "readme.txt").write_text("no docs")
    reader = make_reader(tmp_path, limit=limit)
    assert [len(example.reference._.relations) for example in reader(nlp)] == expected


def test_a_missing_file_is_named(nlp: Language, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"train\.spacy: no such file"):
        list(make_reader(tmp_path / "train.spacy")(nlp))


def test_a_path_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"needs a path, such as `--paths\.train"):
        make_reader(None)


@pytest.mark.parametrize(
    ("relations", "store_user_data"),
    [(None, True), (True, False)],
    ids=["never set", "left out of the DocBin"],
)
def test_a_corpus_without_relations_is_an_error_that_names_the_file_and_the_remedy(
    tmp_path: Path, relations: bool | None, store_user_data: bool
) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_rel")
    docs = [make_doc(nlp, relations=relations)] * 2
    path = write(tmp_path / "train.spacy", docs, store_user_data=store_user_data)
    with pytest.raises(ValueError, match=r"train\.spacy has entities.*store_user_data=True"):
        list(make_reader(path)(nlp))


def test_a_corpus_without_relations_is_read_where_no_component_predicts_them(
    tmp_path: Path,
) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_ner")
    path = write(tmp_path / "train.spacy", [make_doc(nlp, relations=None)])
    [example] = make_reader(path)(nlp)
    assert len(example.reference.ents) == 2 and not has_relations(example.reference)


def test_a_corpus_in_which_some_docs_were_never_annotated_is_read(
    nlp: Language, tmp_path: Path
) -> None:
    docs = [make_doc(nlp, relations=relations) for relations in (None, True, False, None)]
    examples = list(make_reader(write(tmp_path / "train.spacy", docs))(nlp))
    found = [(has_relations(e.reference), len(e.reference._.relations)) for e in examples]
    assert found == [(False, 0), (True, 1), (True, 0), (False, 0)]


def test_a_corpus_without_relations_is_read_if_all_docs_say_that_they_have_none(
    nlp: Language, tmp_path: Path
) -> None:
    path = write(tmp_path / "train.spacy", [make_doc(nlp, relations=False)] * 2)
    assert [has_relations(example.reference) for example in make_reader(path)(nlp)] == [True, True]


def test_long_docs_are_not_cut(nlp: Language, tmp_path: Path) -> None:
    path = write(tmp_path / "train.spacy", [make_doc(nlp, repeats=100)])
    [example] = make_reader(path)(nlp)
    assert len(example.predicted) == len(example.reference) == 100 * len(TEXT)
    assert len(example.reference._.relations) == 100
    # What spaCy's reader does with them, and why there is another one.
    spacy_reader = registry.readers.get("spacy.Corpus.v1")
    settings = {"gold_preproc": False, "limit": 0, "augmenter": None}
    cut = list(spacy_reader(path, max_length=50, **settings)(nlp))
    assert len(cut) == 100
    assert not any(has_relations(example.reference) for example in cut)


def test_empty_docs_are_left_out(nlp: Language, tmp_path: Path) -> None:
    empty = nlp.make_doc("")
    empty._.relations = []
    docs = [empty, make_doc(nlp), empty]
    reader = make_reader(write(tmp_path / "train.spacy", docs), limit=1)
    assert [example.reference.text for example in reader(nlp)] == [TEXT]


# Gold entities


@Language.factory("neighbours_related", assigns=["doc._.relations"])
class NeighboursRelated:
    """Relates every second entity to the one before it."""

    def __init__(self, nlp: Language, name: str) -> None:
        pass

    def __call__(self, doc: Doc) -> Doc:
        pairs = zip(doc.ents[::2], doc.ents[1::2], strict=True)
        doc._.relations = [Relation(degree, vessel, "Modifier") for vessel, degree in pairs]
        return doc

    def score(self, examples: Iterable[Example], **settings: object) -> dict[str, object]:
        return score_relations(examples)


def test_the_doc_to_predict_on_has_the_gold_entities_if_asked_for(
    nlp: Language, tmp_path: Path
) -> None:
    doc = make_doc(nlp, repeats=2)
    doc.spans["places"] = [doc[0:2], doc[1:3]]
    [example] = make_reader(write(tmp_path / "dev.spacy", [doc]), gold_entities=True)(nlp)
    found, gold = (
        [(entity.text, entity.start, entity.label_) for entity in each.ents]
        for each in (example.predicted, doc)
    )
    assert found == gold
    assert [span.text for span in example.predicted.spans["places"]] == ["前降", "降支"]
    assert not has_relations(example.predicted)


@pytest.mark.parametrize(("gold_entities", "expected"), [(False, 0.0), (True, 1.0)])
def test_a_pipeline_that_finds_no_entities_is_evaluated_on_the_gold_ones(
    tmp_path: Path, gold_entities: bool, expected: float
) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("neighbours_related")
    path = write(tmp_path / "dev.spacy", [make_doc(nlp), make_doc(nlp, repeats=2)])
    reader = make_reader(path, gold_entities=gold_entities)
    assert nlp.evaluate(reader(nlp))["rels_f"] == expected


def test_gold_entities_that_do_not_align_are_left_out_counted_and_reported_once(
    tmp_path: Path,
) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["Rome", "-", "based", "Acme"], spaces=[False, False, True, False])
    doc.set_ents([Span(doc, 0, 1, "Loc"), Span(doc, 3, 4, "Org")])
    doc._.relations = [Relation(*doc.ents, "Seat")]
    nlp.tokenizer = Tokenizer(nlp.vocab)
    path = write(tmp_path / "dev.spacy", [doc, doc])
    reader = make_reader(path, gold_entities=True)
    with pytest.warns(UserWarning, match=r"dev\.spacy .* do not align .* \(2\)") as caught:
        readings = [[len(example.predicted.ents) for example in reader(nlp)] for _ in range(3)]
    assert readings == [[1, 1]] * 3
    assert len(caught) == 1


def test_an_entity_of_doc_ents_and_a_span_group_is_counted_once(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["Rome", "-", "based", "Acme"], spaces=[False, False, True, False])
    doc.set_ents([Span(doc, 0, 1, "Loc"), Span(doc, 3, 4, "Org")])
    doc.spans["sc"] = [*doc.ents, Span(doc, 0, 1, "Site"), Span(doc, 0, 4, "Org")]
    doc._.relations = []
    nlp.tokenizer = Tokenizer(nlp.vocab)
    reader = make_reader(write(tmp_path / "dev.spacy", [doc]), gold_entities=True)
    with pytest.warns(UserWarning, match=r"do not align .* \(2\)"):
        [example] = reader(nlp)
    assert [span.text for span in example.predicted.spans["sc"]] == ["Acme", "Rome-based Acme"]
