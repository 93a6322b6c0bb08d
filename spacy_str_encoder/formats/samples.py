"""A sample text in each format, and what a format can hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy.language import Language

from ..doc.origin import ID
from .annotated_text import AnnotatedEntity, AnnotatedRelation, AnnotatedText
from .entities import has_overlaps
from .format import Format
from .report import ConversionReport
from .writer import TextWriter

WARD = "ward"
SAMPLE = AnnotatedText(
    "Ann met Bob.",
    [AnnotatedEntity(0, 3, "Person", {"Certainty": "possible"}), AnnotatedEntity(8, 11, "Person")],
    [AnnotatedRelation(0, 1, "met")],
    meta={ID: "1", WARD: "A"},
)
OVERLAPPING = replace(
    SAMPLE,
    entities=[*SAMPLE.entities, AnnotatedEntity(0, 11, "Event")],
    relations=[*SAMPLE.relations, AnnotatedRelation(2, 1, "of")],
)
# Samples of the formats that can only be read.
READ_ONLY = {
    "gliner2": """{"text": "Ann met Bob.", "entities": {"Person": [\
{"text": "Ann", "start": 0, "end": 3}, {"text": "Bob", "start": 8, "end": 11}]}, \
"relation_extraction": {"met": [["Ann", "Bob"]]}}
""",
    "docred": """[{"title": "1", "sents": [["Ann", "met", "Bob", "."]],
"vertexSet": [[{"name": "Ann", "sent_id": 0, "pos": [0, 1], "type": "Person"}],
[{"name": "Bob", "sent_id": 0, "pos": [2, 3], "type": "Person"}]],
"labels": [{"h": 0, "t": 1, "r": "met", "evidence": []}]}]
""",
    "tacred": """[{"token": ["Ann", "met", "Bob", "."], "relation": "met",
"subj_start": 0, "subj_end": 0, "subj_type": "Person",
"obj_start": 2, "obj_end": 2, "obj_type": "Person"}]
""",
    "ubiai": """[{"document": "Ann met Bob.", "tokens": [
{"text": "Ann", "start": 0, "end": 3, "token_start": 0, "token_end": 0, "entityLabel": "Person"},
{"text": "Bob", "start": 8, "end": 11, "token_start": 2, "token_end": 2, "entityLabel": "Person"}],
"relations": [{"head": 0, "child": 2, "relationLabel": "met"}]}]
""",
    "pubtator": """1|t|Ann met Bob.
1|a|
1\t0\t3\tAnn\tPerson\tA
1\t8\t11\tBob\tPerson\tB
1\tmet\tA\tB
""",
    "bioc": """<collection><document><id>1</id><passage><offset>0</offset><text>Ann met Bob.</text>
<annotation id="T1"><infon key="type">Person</infon>
<location offset="0" length="3"/><text>Ann</text></annotation>
<annotation id="T2"><infon key="type">Person</infon>
<location offset="8" length="3"/><text>Bob</text></annotation>
<relation id="R1"><infon key="type">met</infon>
<node refid="T1" role="Arg1"/><node refid="T2" role="Arg2"/></relation>
</passage></document></collection>
""",
    "webanno-tsv": """#FORMAT=WebAnno TSV 3.3
#T_SP=custom.Person|Certainty|value
#T_RL=custom.Relation|value|BT_custom.Person


#Text=Ann met Bob.
1-1\t0-3\tAnn\tpossible\tPerson\t_\t_\t
1-2\t4-7\tmet\t_\t_\t_\t_\t
1-3\t8-11\tBob\t*\tPerson\tmet\t1-1\t
1-4\t11-12\t.\t_\t_\t_\t_\t
""",
}


def make_sample(each: Format, nlp: Language) -> str:
    """Write the sample text in a format.

    each (Format): The format.
    nlp (Language): The pipeline that tokenizes the text.
    RETURNS (str): The content of the file, or of each file of a folder below its name; empty if it
        is no text.
    """
    if each.write is None:
        return READ_ONLY[each.name]
    with _written(SAMPLE, each, nlp) as path:
        try:
            return "\n".join(_read_files(path))
        except UnicodeDecodeError:
            return ""


def _read_files(path: Path) -> Iterator[str]:
    if path.is_file():
        yield path.read_text("utf-8")
    for file in sorted(path.rglob("*")):
        yield f"{file.relative_to(path)}:\n{file.read_text('utf-8')}"


@contextmanager
def _written(annotated: AnnotatedText, each: Format, nlp: Language) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"sample{each.suffix}"
        if each.write is None:
            path = path.with_suffix(each.suffix or ".tsv")
            path.write_text(READ_ONLY[each.name], "utf-8")
        else:
            TextWriter(each, nlp, ConversionReport()).write([annotated], path)
        yield path


@dataclass(frozen=True)
class Contents:
    """Contents that a format can hold.

    written (bool): Whether it can be written.
    relations (bool): Relations.
    attributes (bool): Attributes of entities.
    overlaps (bool): Entities that overlap.
    ids (bool): The `id` in the metadata of a text.
    metadata (bool): Other metadata of a text.
    """

    written: bool
    relations: bool
    attributes: bool
    overlaps: bool
    ids: bool
    metadata: bool


def find_contents(each: Format, nlp: Language) -> Contents:
    """Find out what a format holds: what is left of a text that is written and read again.

    each (Format): The format. If it can only be read, what its sample has.
    nlp (Language): The pipeline that tokenizes the text.
    RETURNS (Contents): The contents.
    """
    flat, nested = (_read_again(text, each, nlp) for text in (SAMPLE, OVERLAPPING))
    return Contents(
        written=each.write is not None,
        relations=bool(flat.relations),
        attributes=any(entity.attributes for entity in flat.entities),
        overlaps=each.write is None or has_overlaps(nested),
        ids=ID in flat.meta,
        metadata=WARD in flat.meta,
    )


def _read_again(annotated: AnnotatedText, each: Format, nlp: Language) -> AnnotatedText:
    with _written(annotated, each, nlp) as path:
        [found] = each.read(path, ConversionReport())
        return found
