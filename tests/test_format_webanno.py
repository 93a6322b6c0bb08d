"""WebAnno TSV 3: columns of layers, stacked and long annotations, parts of tokens, relations."""

from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.registry import all_formats, detect_format, find_files
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.webanno import FORMAT

from .crowded_texts import LABELS
from .json_files import counts, detect, read_error

HEADER = "#FORMAT=WebAnno TSV 3.3\n"
SPANS = "#T_SP=webanno.custom.Entity|value\n"
RELATIONS = "#T_RL=webanno.custom.Relation|label|BT_webanno.custom.Entity\n"


def write(path: Path, layers: str, *rows: str, header: str = HEADER) -> Path:
    body = "".join(f"{row}\n" for row in rows)
    path.write_text(f"{header}{layers}\n\n{body}", "utf-8", newline="")
    return path


def read(path: Path) -> tuple[AnnotatedText, ConversionReport]:
    report = ConversionReport()
    [text] = FORMAT.read(path, report)
    return text, report


def surfaces(text: AnnotatedText) -> list[tuple[str, str]]:
    return [(text.text[each.start : each.end], each.label) for each in text.entities]


def test_spans_attributes_and_relations_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "ward.tsv",
        "#T_SP=webanno.custom.Entity|negated|certainty|value\n" + RELATIONS,
        "#Text=Ann Lee met Bob.",
        "1-1\t0-3\tAnn\t*[1]\thigh[1]\tP[1]\t_\t_\t",
        "1-2\t4-7\tLee\t*[1]\thigh[1]\tP[1]\t_\t_\t",
        "1-3\t8-11\tmet\t_\t_\t_\t_\t_\t",
        "1-4\t12-15\tBob\ttrue\t*\tP\tmeets\t1-1[1_0]\t",
        "1-5\t15-16\t.\tfalse\t0\tX\t_\t_\t",
    )
    text, report = read(path)
    assert text == AnnotatedText(
        "Ann Lee met Bob.",
        [
            AnnotatedEntity(0, 7, "P", {"certainty": "high"}),
            AnnotatedEntity(12, 15, "P", {"negated": "true"}),
            AnnotatedEntity(15, 16, "X"),
        ],
        [AnnotatedRelation(0, 1, "meets")],
        [(0, 3), (4, 7), (8, 11), (12, 15), (15, 16)],
        {"id": "ward"},
    )
    assert (report.lost, report.chosen) == ({}, {})


def test_annotations_are_stacked_and_cross_sentences(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.tsv",
        SPANS + RELATIONS,
        "#Text=a b",
        "1-1\t0-1\ta\tX[1]|Y[2]|X[3]\t_\t_",
        "1-2\t2-3\tb\tY[2]|Z[4]\tr|s\t1-1[1_2]|1-2[4_4]",
        "",
        "#Text=c",
        "2-1\t6-7\tc\tZ[4]\tt\t1-1[3_0]",
    )
    text, report = read(path)
    assert text.text == "a b\n  c"
    assert surfaces(text) == [("a", "X"), ("a b", "Y"), ("a", "X"), ("b\n  c", "Z")]
    assert text.relations == [
        AnnotatedRelation(0, 1, "r"),
        AnnotatedRelation(3, 3, "s"),
        AnnotatedRelation(2, 3, "t"),
    ]
    assert report.lost == {}


def test_attributes_belong_to_the_annotation_with_their_number(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.tsv",
        "#T_SP=webanno.custom.Entity|value|sure\n",
        "#Text=a b",
        "1-1\t0-1\ta\tX[1]|Y[2]\tno[2]",
        "1-2\t2-3\tb\tZ\t_",
    )
    assert [each.attributes for each in read(path)[0].entities] == [None, {"sure": "no"}, None]
    write(path, "#T_SP=webanno.custom.Entity|value|sure\n", "#Text=a", "1-1\t0-1\ta\t_\tno")
    assert "in the column of the label of webanno.custom.Entity; got" in read_error(FORMAT, path)


def test_parts_of_tokens_are_no_tokens(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.tsv",
        SPANS + RELATIONS,
        "#Text=abc d",
        "1-1\t0-3\tabc\tX\t_\t_",
        "1-1.1\t0-1\ta\tY\t_\t_",
        "1-1.2\t1-3\tbc\tZ[1]\tr\t1-1.1",
        "1-1.3\t3-3\t\tE\t_\t_",
        "1-2\t4-5\td\tZ[1]\t_\t_",
    )
    text, report = read(path)
    assert text.tokens == [(0, 3), (4, 5)]
    assert surfaces(text) == [("abc", "X"), ("a", "Y"), ("bc d", "Z")]
    assert text.relations == [AnnotatedRelation(1, 2, "r")]
    assert report.lost == {"empty spans": [f"{path}: '' (3-3)"]}


def test_offsets_count_utf_16_code_units(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.tsv",
        SPANS,
        "#Text=😀 a",
        "1-1\t0-2\t😀\tX",
        "1-2\t3-4\ta\tY",
        "",
        "#Text=b",
        "2-1\t5-6\tb\tZ",
    )
    text, _ = read(path)
    assert text.text == "😀 a\nb"
    assert [each.place for each in text.entities] == [(0, 1, "X"), (2, 3, "Y"), (4, 5, "Z")]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["#Text=a", "1-1\t0-1\ta", "", "#Text=b", "2-1\t1-2\tb"], "ab"),
        (["#Text=a", "1-1\t0-1\ta", "#Text=b", "2-1\t2-3\tb"], "a\nb"),
        (["#Text=a", "1-1\t2-3\ta"], "  a"),
        (["#Text=a ", "#Text= b", "1-1\t0-1\ta", "1-2\t4-5\tb"], "a \n b"),
        ([r"#Text=a\tb\\n\r", "1-1\t0-1\ta", r"1-2" "\t2-5\t" r"b\\n"], "a\tb\\n\r"),
        ([r"#Text=\d_[*]|", r"1-1" "\t0-7\t" r"\d_[*]|"], r"\d_[*]|"),
    ],
    ids=["adjacent", "no blank line", "a gap", "two lines", "escapes", "no escapes"],
)
def test_the_text_is_that_of_the_sentences(lines: list[str], text: str, tmp_path: Path) -> None:
    assert read(write(tmp_path / "in.tsv", "", *lines))[0].text == text


def test_old_versions_escape_as_java(tmp_path: Path) -> None:
    lines = [r"#Text=\u00e9\ud83d\ude00\"", "1-1\t0-1\té", "1-2\t1-3\t😀", '1-3\t3-4\t"']
    for version in ("3.1", "3"):
        header = f"#FORMAT=WebAnno TSV {version}\n"
        text, _ = read(write(tmp_path / "in.tsv", "", *lines, header=header))
        assert text.text == 'é😀"'


def escape(value: str) -> str:
    """Escape the characters that the documentation names."""
    for character in "\\[]|_;*":
        value = value.replace(character, f"\\{character}")
    return value.replace("->", "\\->").replace("\t", "\\t").replace("\n", "\\n")


@given(values=st.lists(LABELS | st.text("\\[]|_;*->tn1 ", min_size=1), min_size=1, max_size=3))
def test_labels_are_unescaped(values: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("webanno") / "in.tsv"
    for number in ("", "[7]"):
        labels = "|".join(f"{escape(value)}{number}" for value in values[: 1 if number else 3])
        if "\r" in labels:
            return
        write(path, SPANS, "#Text=a", f"1-1\t0-1\ta\t{labels}\t")
        text, _ = read(path)
        assert [each.label for each in text.entities] == values[: 1 if number else 3]


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    header = "#FORMAT=WebAnno TSV 3.1\n"
    path = write(tmp_path / "in.tsv", "", r"#Text=\ud83d", "1-1\t0-1\t\\ud83d", header=header)
    assert read_error(FORMAT, path) == f"{path}: the text has a lone surrogate at character 0"


def test_what_is_not_read_is_named_once(tmp_path: Path) -> None:
    layers = [
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue|coarseValue",
        "#T_SP=webanno.custom.Bare|",
        "#T_SP=webanno.custom.Host|ROLE_webanno.custom.Host:links_webanno.custom.Link|uima.tcas.A",
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value",
        "#T_CH=webanno.custom.Chain|referenceRelation|referenceType",
        "#T_RL=webanno.custom.Relation|number|value|BT_custom.Unknown",
    ]
    path = write(
        tmp_path / "in.tsv",
        "\n".join(layers),
        "#Sentence.id=s1",
        "#Text=a b",
        "1-1\t0-1\ta\tN\t*\t*\tr1\t1-2\tQ1\tP\t*->1-1\t*[1]\t3\tr\t1-2",
        "1-2\t2-3\tb\t_\t_\t*\t_\t_\t_\t_\t_\t_\t_\t_\t_",
    )
    text, report = read(path)
    assert sorted(surfaces(text)) == [("a", "Bare"), ("a", "Host"), ("a", "P"), ("b", "Bare")]
    assert text.relations == []
    pos, bare, host, _, chain, _ = (layer[6:].split("|")[0] for layer in layers)
    reason = "layers without a label feature (the label is the name of the layer)"
    assert report.chosen == {reason: [f"{path}: {bare}", f"{path}: {host}"]}
    assert report.lost == {
        "layers of chains or syntax": [f"{path}: {pos}", f"{path}: {chain}"],
        "unsupported features of layers": [
            f"{path}: {host}: ROLE_webanno.custom.Host:links_webanno.custom.Link",
            f"{path}: {host}: uima.tcas.A",
            f"{path}: de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity: identifier",
            f"{path}: webanno.custom.Relation: number",
        ],
        "identifiers of sentences, and comments": [f"{path}, line 9: #Sentence.id=s1"],
        "relations of spans that were left out": [f"{path}, line 11: r from 1-2 to 1-1"],
    }


def test_layers_without_features_give_their_name_as_label(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.tsv",
        "#T_SP=custom.Drug|\n#T_SP=custom.Dose\n#T_RL=custom.Takes|BT_custom.Drug\n",
        "#Text=a b",
        "1-1\t0-1\ta\t*[1]\t*\t_",
        "1-2\t2-3\tb\t*[1]|*[2]\t_\t1-1[1_2]",
    )
    text, report = read(path)
    assert surfaces(text) == [("a b", "Drug"), ("a", "Dose"), ("b", "Drug")]
    assert text.relations == [AnnotatedRelation(0, 2, "Takes")]
    assert (report.lost, len(report.chosen)) == ({}, 1)


def test_a_relation_layer_names_its_layer_of_spans(tmp_path: Path) -> None:
    path = write(tmp_path / "in.tsv", "#T_RL=custom.Takes|label\n", "#Text=a", "1-1\t0-1\ta\t_")
    assert read_error(FORMAT, path).startswith(
        f"{path}: a layer of relations must have a column BT_"
    )


def test_annotations_without_a_label_are_lost(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.tsv",
        SPANS + RELATIONS,
        "#Text=a b c",
        "1-1\t0-1\ta\t*\t_\t_",
        "1-2\t2-3\tb\tX\tr\t1-1",
        "1-3\t4-5\tc\tY\t*\t1-2",
    )
    text, report = read(path)
    assert (surfaces(text), text.relations) == ([("b", "X"), ("c", "Y")], [])
    assert report.lost == {
        "spans without a label": [f"{path}: 'a' (0-1)"],
        "relations of spans that were left out": [f"{path}, line 8: r from 1-1 to 1-2"],
        "relations without a label": [f"{path}, line 9: None from 1-2 to 1-3"],
    }


@pytest.mark.parametrize(
    ("features", "label", "chosen"),
    [
        ("a|value", "2", None),
        ("a|label|z", "2", None),
        ("a|b|c", "1", "a, b, c"),
        ("label|value", "2", "value, label"),
        ("identifier|b", "2", None),
    ],
)
def test_the_label_is_chosen_as_for_uima(
    features: str, label: str, chosen: str | None, tmp_path: Path
) -> None:
    width = features.count("|") + 1
    columns = "\t".join(map(str, range(1, width + 1)))
    path = write(
        tmp_path / "in.tsv", f"#T_SP=custom.L|{features}\n", "#Text=a", f"1-1\t0-1\ta\t{columns}"
    )
    text, report = read(path)
    assert [each.label for each in text.entities] == [label]
    reason = "layers with several label features (the first one is read)"
    expected = {reason: [f"{path}: custom.L: {chosen}"]} if chosen else {}
    assert report.chosen == expected


BAD_ROWS = {
    "no row": (["a b c"], ", line 6: must begin with an id"),
    "offsets of text": (["1-1\t0-x\ta\tX\t_\t_"], ", line 6: must begin with an id"),
    "a column is missing": (["1-1\t0-1\ta\tX\t_"], ", line 6: must have 3 columns"),
    "another token": (["1-1\t0-1\tb\tX\t_\t_"], "the token 'b' at its offsets, got 'a'"),
    "an offset outside": (["1-1\t0-9\ta\tX\t_\t_"], "0-9 must lie within the text"),
    "a head that is missing": (["1-1\t0-1\ta\tX\tr\t1-2"], "a relation refers to 1-2, but"),
    "a number that is missing": (
        ["1-1\t0-1\ta\tX\tr\t1-1[3_0]"],
        ", line 6: a relation refers to 1-1[3], but there is no annotation of webanno.custom",
    ),
    "a label that is missing": (["1-1\t0-1\ta\tX\tr\t1-1|1-1"], "got 1 label and 2 heads"),
    "a sentence before": (
        ["1-1\t0-1\ta\tX\t_\t_", "", "#Text=b", "2-1\t0-1\tb\tX\t_\t_"],
        ", line 9: the sentence must begin where the one before ends, at 1, or a little later; got",
    ),
    "a sentence far away": (
        ["1-1\t9999999999-9999999999\ta\tX\t_\t_"],
        ", line 6: the sentence must begin where the one before ends, at 0, or a little later",
    ),
}


@pytest.mark.parametrize(("rows", "problem"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_file_and_line_of_a_bad_row_are_named(
    rows: list[str], problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "in" / "bad.tsv"
    path.parent.mkdir()
    write(path, (SPANS + RELATIONS)[:-1], "#Text=a", *rows)
    message = read_error(FORMAT, path)
    assert message.startswith(str(path))
    assert problem in message
    write(path.with_name("good.tsv"), "", "#Text=a", "1-1\t0-1\ta")
    report = ConversionReport(skip_bad=True)
    assert [text.meta["id"] for text in FORMAT.read(path.parent, report)] == ["good"]
    assert report.rejected == [message]


def test_tokens_that_do_not_cover_the_text_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "in.tsv", SPANS, "#Text=a b", "1-1\t0-1\ta\tX")
    text, report = read(path)
    assert (text.text, text.tokens, surfaces(text)) == ("a b", None, [("a", "X")])
    reason = "documents read without their tokens, which do not cover the text"
    assert counts(report.chosen) == {reason: 1}


# Files and folders


def test_a_folder_has_a_text_for_each_document(tmp_path: Path) -> None:
    for name in ("b.txt/anna.tsv", "b.txt/INITIAL_CAS.tsv", "a.TSV"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, "", "#Text=a", "1-1\t0-1\ta")
    (tmp_path / "table.tsv").write_text("text\tlabel\n")
    report = ConversionReport()
    assert [text.meta["id"] for text in FORMAT.read(tmp_path, report)] == ["a", "b.txt/anna"]
    assert counts(report.chosen) == {"unannotated versions of documents, left out": 1}
    table = tmp_path / "table.tsv"
    assert report.lost == {"tables in another format": [f"{table}: the whole file"]}
    assert detect(tmp_path) == "webanno-tsv"
    assert find_files(tmp_path, all_formats(spacy.blank("xx"))) == [tmp_path]


@pytest.mark.parametrize("header", [HEADER, "\ufeff#FORMAT=WebAnno TSV 3\r\n"])
def test_a_file_is_detected_by_its_first_line(header: str, tmp_path: Path) -> None:
    assert detect(write(tmp_path / "in.tsv", "", header=header)) == "webanno-tsv"


@pytest.mark.parametrize("content", ["", "text\tlabel\n", "#FORMAT=WebAnno TSV 2.0\n", "\xff"])
def test_other_tables_are_not_taken_for_it(content: str, tmp_path: Path) -> None:
    path = tmp_path / "in.tsv"
    path.write_text(content, "latin-1")
    with pytest.raises(ValueError, match="no format matches"):
        detect_format(path, all_formats(spacy.blank("xx")))
    with pytest.raises(ValueError, match=r"must begin with #FORMAT=WebAnno TSV 3|not UTF-8"):
        list(FORMAT.read(path, ConversionReport()))


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    return result.exit_code, result.output


def test_it_is_converted_but_not_written(tmp_path: Path) -> None:
    path = write(tmp_path / "in.tsv", SPANS, "#Text=a", "1-1\t0-1\ta\tX")
    assert run(path, "-o", tmp_path / "out", "--strict")[0] == 0
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["in.spacy"]
    code, output = run(path, "-o", tmp_path / "other", "--to", "webanno-tsv")
    assert code == 1
    advice = "set another one with --to"
    assert output == f"Error: the format 'webanno-tsv' can only be read; {advice}\n"
    assert not (tmp_path / "other").exists()
