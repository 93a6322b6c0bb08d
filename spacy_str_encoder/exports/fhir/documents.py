"""Resources around what was found: the document, its patient, the device, and the provenance."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha1

from ...doc.meanings import ID, SUBJECT
from ...doc.origin import SUBJECT_FIELD, Origin, read_identifier
from ...files.parquet import to_string
from ..ids import hash_document, hash_of
from .values import CONTROL, Element, make_code, refer


def identify(origin: Origin, text: str) -> tuple[str, str]:
    """Compute the identifiers of a document and of its patient. Without a subject, a document has a
    patient of its own.

    origin (dict[str, Any]): The origin of the text.
    text (str): The text.
    RETURNS (tuple[str, str]): Those of the DocumentReference and of the Patient.
    """
    document, subject = hash_document(origin, text), read_name(origin, SUBJECT)
    if subject is None:
        return document, hash_of("patient", None, document)
    return hash_of("document", document, subject), hash_of("patient", subject)


def describe_own(origin: Origin) -> str:
    """Describe why a text has a patient of its own.

    origin (dict[str, Any]): The origin of the text.
    RETURNS (str): The reason, with the field in which there is no patient, if one was named.
    """
    field = origin.get(SUBJECT_FIELD)
    where = "" if field is None else f" in '{field}'"
    return f"texts without a patient's identifier{where}, which get a patient of their own"


def make_patient(identifier: str, origin: Origin, systems: Mapping[str, str]) -> Element:
    """Make the Patient of a document, of whom only the identifier is known.

    identifier (str): The identifier of the resource.
    origin (dict[str, Any]): The origin of the text.
    systems (Mapping[str, str]): The URIs of identifiers by name.
    RETURNS (dict[str, Any]): The resource.
    """
    return {"resourceType": "Patient", "id": identifier, **_name(origin, SUBJECT, systems)}


def make_document(
    identifier: str, patient: str, origin: Origin, text: str, systems: Mapping[str, str]
) -> Element:
    """Make the DocumentReference of a text, with its size and hash, but without the text itself.

    identifier (str): The identifier of the resource.
    patient (str): The identifier of its Patient.
    origin (dict[str, Any]): The origin of the text.
    text (str): The text.
    systems (Mapping[str, str]): The URIs of identifiers by name.
    RETURNS (dict[str, Any]): The resource.
    """
    data = text.encode()
    # FHIR asks for this hash, which protects nothing here.
    digest = b64encode(sha1(data, usedforsecurity=False).digest()).decode()
    attachment = {"contentType": "text/plain; charset=utf-8", "size": len(data), "hash": digest}
    return {
        "resourceType": "DocumentReference",
        "id": identifier,
        **_name(origin, ID, systems),
        "status": "current",
        "subject": refer("Patient", patient),
        "description": CONTROL.sub(" ", f"{origin.get('source')}, text {origin.get('number')}"),
        "content": [{"attachment": attachment}],
    }


def make_device(pipeline: str) -> Element:
    """Make the Device that a pipeline is.

    pipeline (str): The name, version and hash of the pipeline.
    RETURNS (dict[str, Any]): The resource.
    """
    name, _, version = pipeline.partition(" ")
    return {
        "resourceType": "Device",
        "id": hash_of("device", pipeline),
        "status": "active",
        "deviceName": [{"name": name, "type": "model-name"}],
        "type": {"text": "spaCy pipeline"},
        "version": [{"value": version or name}],
    }


def make_provenance(
    document: str, device: Element, targets: Iterable[Element], date: str
) -> Element:
    """Make the Provenance of what was found in a document: the device has derived it.

    document (str): The identifier of the DocumentReference.
    device (dict[str, Any]): The Device.
    targets (Iterable[dict[str, Any]]): The resources of what was found.
    date (str): The date of the run.
    RETURNS (dict[str, Any]): The resource.
    """
    who = refer("Device", device["id"])
    source = {"role": "source", "what": refer("DocumentReference", document)}
    return {
        "resourceType": "Provenance",
        "id": hash_of("provenance", document, device["id"], date),
        "target": [refer(each["resourceType"], each["id"]) for each in targets],
        "recorded": f"{date}T00:00:00Z",
        "agent": [{"type": make_code("provenance-participant-type", "assembler"), "who": who}],
        "entity": [source],
    }


def read_name(origin: Origin, name: str) -> str | None:
    """Read an identifier of a text or of its patient.

    origin (dict[str, Any]): The origin of the text.
    name (str): The name of the identifier.
    RETURNS (str | None): The identifier; None if it is missing or blank.
    """
    value = CONTROL.sub(" ", to_string(read_identifier(origin.get(name))) or "")
    return value if value.strip() else None


def _name(origin: Origin, name: str, systems: Mapping[str, str]) -> Element:
    value = read_name(origin, name)
    system = {"system": systems[name]} if name in systems else {}
    return {} if value is None else {"identifier": [{**system, "value": value}]}
