"""Resources of FHIR R4, as files of JSON lines, one for each type, as in bulk data.

Sources: https://hl7.org/fhir/R4/, https://hl7.org/fhir/uv/bulkdata/
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from spacy.language import Language
from spacy.tokens import Doc

from ...doc.meanings import SUBJECT
from ...doc.origin import AnnotatedDocs, Origin
from ...loading import sets_records
from ..export import Export, Reported
from ..statements import Reading, check_meanings, find_reading
from .documents import (
    describe_own,
    identify,
    make_device,
    make_document,
    make_patient,
    make_provenance,
    read_name,
)
from .findings import DOCUMENT, Findings
from .values import Element

SUFFIX = ".ndjson"
SHARED = "texts with the identifier and the text of another one of their part, as one document"
WITHOUT_RECORDS = (
    "--format fhir writes a resource for each central entity of records, and no component of this "
    "pipeline makes any. Add a 'str_records' to the end of the pipeline, or choose another "
    "--format."
)


def write_fhir(
    path: Path, docs: AnnotatedDocs, nlp: Language, pipeline: str, date: str
) -> Reported:
    """Write the resources of docs, as a folder with a file for each type.

    path (Path): The folder, which must not exist yet.
    docs (Iterable[tuple[dict[str, Any], Doc]]): The docs, with the origin of each text.
    nlp (Language): The pipeline that annotated them.
    pipeline (str): Its name, version and hash.
    date (str): The date of the run.
    RETURNS (Reported): What the resources can't hold, and what was chosen.
    """
    reported, reading, device = Reported(), find_reading(nlp), make_device(pipeline)
    path.mkdir()
    with ExitStack() as stack:
        write = Writer(path, stack)
        write(device)
        for origin, doc in docs:
            for resource in make_resources(doc, origin, reading, device, date, reported):
                is_known = not write(resource)
                reported.chosen[SHARED] += is_known and resource["resourceType"] == DOCUMENT
    return Reported(+reported.lost, +reported.chosen)


class Writer:
    """Writes each resource to the file of its type, once."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Begin to write.

        folder (Path): The folder.
        stack (ExitStack): Closes the files.
        """
        self.folder = folder
        self.stack = stack
        self.files: dict[str, TextIO] = {}
        self.written: set[tuple[str, str]] = set()

    def __call__(self, resource: Element) -> bool:
        """Write a resource.

        resource (dict[str, Any]): The resource.
        RETURNS (bool): Whether it is new.
        """
        kind, identifier = resource["resourceType"], resource["id"]
        if (kind, identifier) in self.written:
            return False
        self.written.add((kind, identifier))
        if kind not in self.files:
            path = self.folder / f"{kind}{SUFFIX}"
            file = path.open("w", encoding="utf-8", newline="\n")
            self.files[kind] = self.stack.enter_context(file)
        self.files[kind].write(f"{json.dumps(resource, ensure_ascii=False)}\n")
        return True


def make_resources(
    doc: Doc, origin: Origin, reading: Reading, device: Element, date: str, reported: Reported
) -> Iterator[Element]:
    """Make the resources of a doc.

    doc (Doc): The doc.
    origin (dict[str, Any]): The origin of its text.
    reading (Reading): How the statements of the pipeline are read.
    device (dict[str, Any]): The Device of the pipeline.
    date (str): The date of the run.
    reported (Reported): Counts what the resources can't hold.
    YIELDS (dict[str, Any]): The resources.
    """
    document, patient = identify(origin, doc.text)
    systems = reading.meanings.systems
    reported.chosen[describe_own(origin)] += read_name(origin, SUBJECT) is None
    yield make_patient(patient, origin, systems)
    yield make_document(document, patient, origin, doc.text, systems)
    findings = Findings(doc, reading, document=document, patient=patient)
    found = [*findings.make_resources()]
    yield from found
    if found:
        yield make_provenance(document, device, found, date)
    reported.lost.update(findings.lost)
    reported.chosen.update(findings.chosen)


def check_fhir(nlp: Language) -> None:
    """Check that a pipeline makes records, and predicts what they have a meaning for.

    nlp (Language): The pipeline.
    RAISES (ValueError): If it makes none.
    """
    if not sets_records(nlp):
        raise ValueError(WITHOUT_RECORDS)
    check_meanings(nlp)


FHIR = Export("fhir", suffix="", write=write_fhir, check=check_fhir, is_dated=True)
