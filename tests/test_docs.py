"""What README and docs say: every command and snippet is run in a copy of the project, every
setting is there with its default, and every link leads somewhere."""

import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from configparser import RawConfigParser
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from io import StringIO
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
import srsly
from spacy.language import Language
from spacy.util import load_model_from_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_str_encoder import (
    Relation,
    get_attribute_scores,
    get_attributes,
    get_codes,
    set_attributes,
    set_codes,
    to_networkx,
    to_records,
)
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.doc.records import key_values
from spacy_str_encoder.evaluation import evaluate
from spacy_str_encoder.files.records import to_rows, write_records
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.label_studio.labeling_config import Labels, make_labeling_config
from spacy_str_encoder.formats.label_studio.writer import serialize
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.visualize import compare_docs, render, view_doc

from .reduced_project import ROOT, run

# What is there after a page was followed.
PAGES = {
    "README.md": [
        "config.cfg",
        "records.csv",
        "page.html",
        "errors.html",
        "scores.json",
        "encoders/reports/pretraining.json",
    ],
    "docs/accuracy.md": ["corpus/conll04/conll04_test.spacy"],
    "docs/api.md": ["page.html", "train.spacy"],
    "docs/architecture.md": [],
    "docs/benchmarks/README.md": [],
    "docs/codes.md": [
        "coded/str_codes/terminology.npz",
        "with-codes/part-00000-000000.csv",
    ],
    "docs/configuration.md": [],
    "docs/continued_training.md": [
        "next/manifest.jsonl",
        "merged.spacy",
        "continued/model-best/config.cfg",
    ],
    "docs/data.md": [],
    "docs/deployment.md": [
        "card.md",
        "packages/model/README.md",
        "packages/zh_coronary-1.0.0/dist/zh_coronary-1.0.0-py3-none-any.whl",
        "annotated/manifest.jsonl",
        "table/part-00000-000000.parquet",
    ],
    "docs/experiments.md": ["metrics/rdcnn/handwritten.json"],
    "docs/frames.md": ["with_datasets.py"],
    "docs/graph.md": ["vessels/nodes.csv", "vessels/evidence.csv"],
    "docs/hospital_records.md": [
        "with-concepts/config.cfg",
        "omop/part-00000-000000/note_nlp.csv",
        "fhir/part-00000-000000/DocumentReference.ndjson",
    ],
    "docs/label_studio.md": [
        "continued/model-best/config.cfg",
        "for-prodigy/part-00000-000000.jsonl",
        "to-import/part-00000-000000.json",
    ],
    "docs/method.md": [],
    "docs/privacy.md": ["training/without-words/config.cfg"],
    "docs/recipes.md": ["rules/cue_attributes/cues.jsonl", "to-correct/first.jsonl"],
    "docs/reference/architectures.md": [],
    "docs/reference/candidates.md": [],
    "docs/reference/components.md": [],
    "docs/reference/constraints.md": [],
    "docs/reference/corpus.md": [],
    "docs/reference/evaluation.md": [],
    "docs/reference/frames.md": [],
    "docs/reference/package.md": [],
    "docs/reference/visualize.md": [],
    "docs/reliability.md": [],
    "docs/scaling.md": ["annotated/manifest.jsonl"],
    "docs/tables/README.md": [],
    **{f"docs/tables/{name}/tables.md": [] for name in ("clinical", "fresh", "pretrained")},
    "docs/training.md": [
        "config.cfg",
        "errors.html",
        "records.csv",
        "one-row-each.csv",
        "packages/zh_reports-1.0.0/dist/zh_reports-1.0.0-py3-none-any.whl",
    ],
    "docs/troubleshooting.md": [],
}
# This page starts a cluster.
MARKS = {"docs/scaling.md": pytest.mark.ray}
# Chinese pages by the English ones.
TRANSLATIONS = {
    "README.md": "README.zh-CN.md",
    **{
        f"docs/{name}.md": f"docs/zh/{name}.md"
        for name in (
            "continued_training",
            "data",
            "deployment",
            "label_studio",
            "training",
            "troubleshooting",
        )
    },
}
SPERT = {
    "tokens": ["Ada", "works", "at", "Acme", "."],
    "entities": [{"type": "PER", "start": 0, "end": 1}, {"type": "ORG", "start": 3, "end": 4}],
    "relations": [{"type": "works_for", "head": 0, "tail": 1}],
}
BLOCK = re.compile(r"^ *```(\w+) ?([\w.]*)\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.*)$", flags=re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What a test can't do: run the tests, build, install, use a GPU that is not there, take hours. The
# workflows of the tables are run at a reduced size in test_project.
INSTEAD = {
    r"^make .*": "true",
    r"^(python -m )?pip (install|wheel) .*": "true",
    r"^docker .*": "true",
    r"^huggingface-cli .*": "true",
    r"^python -m spacy huggingface-hub .*": "true",
    r"^neo4j-admin .*": "true",
    # A pipeline that has hardly learned anything finds no entity of some types.
    r"(--merge code) --type BodyPart": r"\1",
    r"--vars\.gpu 0": "--vars.gpu -1",
    r"(run tables(-quick)?)$": r"\1 --dry",
    r"total_steps \d+": "total_steps 10",
    r"( train continued\.cfg .*)$": r"\1 --training.optimizer.learn_rate.total_steps 10",
}
LIBRARY = "spacy-str-encoder"
NAMED = ("architectures", "callbacks", "factories", "misc", "readers", "scorers")
GROUPS = [
    *(f"spacy_{name}" for name in NAMED),
    "thinc_schedules",
]
SECTION = re.compile(r"^### `(.+?)`\n(.*?)(?=^##|\Z)", flags=re.DOTALL | re.MULTILINE)
SETTING = re.compile(r"^\| `(.+?)` \| (.+?) \|", flags=re.MULTILINE)
FUNCTIONS = [
    Relation,
    compare_docs,
    evaluate,
    get_attribute_scores,
    get_attributes,
    get_codes,
    key_values,
    render,
    set_attributes,
    set_codes,
    to_annotations,
    to_networkx,
    to_records,
    to_rows,
    view_doc,
    write_records,
]


class Block(NamedTuple):
    """What stands between fences."""

    language: str
    file: str
    text: str


class Place(NamedTuple):
    """A page, and the number of a heading in it."""

    page: str
    heading: int | None


@pytest.fixture(scope="module")
def trained(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What readers have: the project after `make demo`, and texts of their own."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(trained_project, folder, dirs_exist_ok=True)
    texts = [f"Ada works at number {number} of Acme.\n" for number in range(40)]
    (folder / "reports.txt").write_text("".join(texts), "utf-8")
    [record] = [block.text for block in find_blocks("README.md") if block.language == "json"]
    for name in ("train.jsonl", "dev.jsonl"):
        (folder / name).write_text(record * 4, "utf-8")
    for part in ("train", "dev", "test"):
        srsly.write_json(folder / f"conll04_{part}.json", [SPERT] * 4)
    return folder


def test_no_page_is_forgotten() -> None:
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {*PAGES, *TRANSLATIONS.values()} == {"README.md", "README.zh-CN.md", *pages}


@pytest.mark.slow
@pytest.mark.parametrize("page", [pytest.param(page, marks=MARKS.get(page, ())) for page in PAGES])
def test_what_a_page_says_can_be_done(
    page: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for block in join_python(find_blocks(page)):
        if block.file:
            (tmp_path / block.file).write_text(block.text, "utf-8")
        elif block.language == "bash":
            run_commands(replace_commands(page, block.text), tmp_path)
        elif block.language == "python":
            run([sys.executable, "-c", block.text], tmp_path)
    assert [name for name in PAGES[page] if not (tmp_path / name).is_file()] == []


def test_no_block_is_of_a_kind_that_is_not_run() -> None:
    blocks = [block for page in PAGES for block in find_blocks(page)]
    languages = {block.language for block in blocks if not block.file}
    assert languages == {"bash", "ini", "json", "python"}


def test_recipes_make_pipelines() -> None:
    recipes = [block for block in find_blocks("docs/configuration.md") if block.language == "ini"]
    assert recipes
    for recipe in recipes:
        # Later lines go before earlier ones, as if someone had edited the file.
        merged = RawConfigParser(strict=False)
        merged.optionxform = str
        merged.read_string((ROOT / "configs" / "coronary.cfg").read_text("utf-8"))
        merged.read_string(recipe.text)
        text = StringIO()
        merged.write(text)
        config = Config().from_str(text.getvalue())
        nlp = load_model_from_config(config, auto_fill=True)
        assert nlp.pipe_names == config["nlp"]["pipeline"]


def test_the_table_of_findings_has_one_row_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [snippet] = [each.text for each in find_blocks("docs/training.md") if "DictReader" in each.text]
    lines = [
        "doc,record,entity,key,value",
        "0,0,fever,Assertion,negated",
        "0,1,cough,Assertion,present",
        "0,1,cough,Duration,days",
        "0,1,cough,Duration,weeks",
        # No values.
        "1,0,pain,,",
    ]
    monkeypatch.chdir(tmp_path)
    Path("findings.csv").write_text("\n".join(lines), "utf-8")
    exec(snippet, {})
    assert Path("one-row-each.csv").read_text("utf-8-sig").splitlines() == [
        "doc,record,finding,Assertion,Duration",
        "0,0,fever,negated,",
        "0,1,cough,present,days; weeks",
        "1,0,pain,,",
    ]


def test_the_config_of_label_studio_fits_what_is_written() -> None:
    [config] = [each.text for each in find_blocks("docs/data.md") if each.file == "labels.xml"]
    values = {"Assertion": ["present", "negated", "possible"]}
    labels = Labels(["Finding", "BodyPart"], ["Position", "Modifier"], values)
    assert config == make_labeling_config(labels)
    view = ElementTree.fromstring(config)
    names = {each.get("name"): each for each in view if each.get("name")}
    finding = AnnotatedEntity(0, 2, "Finding", attributes={"Assertion": "negated"})
    entities = [finding, AnnotatedEntity(0, 1, "BodyPart", attributes={"Assertion": "present"})]
    text = AnnotatedText("腹胀", entities, [AnnotatedRelation(1, 0, "Position")])
    task = serialize(text, ConversionReport())
    *regions, relation = task["annotations"][0]["result"]
    assert {each["from_name"] for each in regions} | {"text"} == {*names}
    for region in regions:
        control = names[region["from_name"]]
        assert control.tag.lower() == region["type"]
        assert control.get("toName") == region["to_name"]
        assert {*region["value"][region["type"]]} <= {each.get("value") for each in control}
    # Choices without this belong to the whole text.
    assert names["Assertion"].get("perRegion") == "true"
    assert {*relation["labels"]} <= {each.get("value") for each in view.iter("Relation")}
    [field] = task["data"]
    assert names[regions[0]["to_name"]].get("value") == f"${field}"


@pytest.mark.parametrize("page", TRANSLATIONS)
def test_both_languages_have_the_same_commands_headings_and_links(page: str) -> None:
    translation = TRANSLATIONS[page]
    assert commands_of(translation) == commands_of(page)
    assert levels_of(translation) == levels_of(page)
    assert codes_of(translation) == codes_of(page)
    there, back = Place(translation, None), Place(page, None)
    expected = Counter(translate(place) for place in places_of(page) if place != there)
    assert Counter(place for place in places_of(translation) if place != back) == expected
    assert there in places_of(page)
    assert back in places_of(translation)


@pytest.mark.parametrize("page", [*PAGES, *TRANSLATIONS.values()])
def test_links_lead_somewhere(page: str) -> None:
    for link in links_of(page):
        name, _, heading = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert not heading or heading in headings_of(target), link


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_is_documented_with_its_default(group: str) -> None:
    documented = dict(SECTION.findall((ROOT / "docs" / "configuration.md").read_text("utf-8")))
    found = [
        entry_point
        for entry_point in entry_points(group=group)
        if entry_point.value.startswith("spacy_str_encoder")
    ]
    assert found
    for entry_point in found:
        assert dict(SETTING.findall(documented[entry_point.name])) == {
            name: f"`{default}`" if default != "(required)" else default
            for name, default in settings_of(entry_point).items()
        }


def test_settings_that_do_not_exist_are_not_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    names = {
        entry_point.name
        for group in GROUPS
        for entry_point in entry_points(group=group)
        if entry_point.value.startswith("spacy_str_encoder")
    }
    assert {name for name, _ in SECTION.findall(text)} == names


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_are_documented_as_they_are(function: Callable[..., Any]) -> None:
    plain = signature(function)
    parameters = [each.replace(annotation=Parameter.empty) for each in plain.parameters.values()]
    plain = plain.replace(parameters=parameters, return_annotation=Parameter.empty)
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert f"{function.__name__}{plain}".replace("'", '"') in text


def find_blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text("utf-8")
    return [Block(language, file, dedent(code)) for language, file, code in BLOCK.findall(text)]


def join_python(blocks: list[Block]) -> list[Block]:
    """A snippet that does not import spaCy goes on from the one before."""
    joined: list[Block] = []
    for block in blocks:
        text = block.text
        if block.language == "python" and not block.file and "import spacy\n" not in text:
            before = next((each for each in joined[::-1] if each.language == "python"), None)
            text = f"{before.text if before else ''}\n{text}"
            # What is run again in the next block is not run alone.
            if joined and joined[-1] is before:
                joined.pop()
        joined.append(block._replace(text=text))
    return joined


def replace_commands(page: str, text: str) -> str:
    for command, other in INSTEAD.items():
        text = re.sub(command, other, text, flags=re.MULTILINE)
    # What is a command of the README is run there.
    known = "".join(block.text for block in find_blocks("README.md") if page != "README.md")
    return "\n".join(line for line in text.splitlines() if line not in known.splitlines())


def run_commands(text: str, folder: Path) -> None:
    """Run the commands of a block in the working directory. Those of the library run in this
    process, which has already imported what each of them would import for seconds, unless they run
    in the background, or run code, whose components may be registered here already."""
    lines = text.replace("\\\n", "").splitlines()
    for is_own, commands in groupby(lines, key=runs_in_this_process):
        if not is_own:
            run(["bash", "-euc", "\n".join(commands)], folder)
            continue
        for command in commands:
            arguments = shlex.split(command)[1:]
            result = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert result.exit_code == 0, f"{command}\n{result.output}"


def runs_in_this_process(command: str) -> bool:
    is_foreground = not command.endswith("&")
    return is_foreground and command.startswith(f"{LIBRARY} ") and " --code " not in command


def commands_of(page: str) -> list[str]:
    return [re.sub(r" *#.*", "", block.text) for block in find_blocks(page)]


def links_of(page: str) -> set[str]:
    links = LINK.findall((ROOT / page).read_text("utf-8"))
    return {link for link in links if not link.startswith("https://")}


def headings_of(path: Path) -> list[str]:
    headings = [heading for _, heading in HEADING.findall(without_blocks(path))]
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def levels_of(page: str) -> list[int]:
    return [len(signs) for signs, _ in HEADING.findall(without_blocks(ROOT / page))]


def codes_of(page: str) -> list[list[str]]:
    """The code in the first cell of each row of the tables."""
    rows = re.findall(r"^\|(.*?) \|", without_blocks(ROOT / page), flags=re.MULTILINE)
    return [re.findall(r"`[^`]+`", row) for row in rows]


def without_blocks(path: Path) -> str:
    return BLOCK.sub("", path.read_text("utf-8"))


def places_of(page: str) -> list[Place]:
    """Where the links of a page lead, in the order of the page."""
    places = []
    for link in LINK.findall((ROOT / page).read_text("utf-8")):
        if not link.startswith("https://"):
            name, _, heading = link.partition("#")
            path = ((ROOT / page).parent / name if name else ROOT / page).resolve()
            number = headings_of(path).index(heading) if heading else None
            places.append(Place(path.relative_to(ROOT.resolve()).as_posix(), number))
    return places


def translate(place: Place) -> Place:
    return place._replace(page=TRANSLATIONS.get(place.page, place.page))


def settings_of(entry_point: EntryPoint) -> dict[str, str]:
    """The settings of something that configs name, and their defaults as configs spell them."""
    parameters = {
        str(each).partition(":")[0].partition("=")[0].strip(): each.default
        for each in signature(entry_point.load()).parameters.values()
    }
    if entry_point.group == "spacy_factories":
        defaults = Language.get_factory_meta(entry_point.name).default_config
        names = [name for name in parameters if name not in ("nlp", "name")]
        parameters = {name: defaults.get(name, Parameter.empty) for name in names}
    return {name: spell(default) for name, default in parameters.items()}


def spell(default: Any) -> str:
    if default is Parameter.empty:
        return "(required)"
    if isinstance(default, dict) and default:
        [function] = [value for key, value in default.items() if key.startswith("@")]
        return str(function)
    return srsly.json_dumps(default)
