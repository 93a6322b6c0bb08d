"""Load documents with dkpro-cassis, with errors that say what is wrong."""

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from typing import Any

from ..annotated_text import AnnotationError
from ..archives import AnyPath, archive_errors, check_size
from .files import TYPE_SYSTEM, Document
from .types import import_cassis

XMI_ID = "{http://www.omg.org/XMI}id"
SOFA = "{http:///uima/cas.ecore}Sofa"
TYPES, FEATURE_STRUCTURES, ID = "%TYPES", "%FEATURE_STRUCTURES", "%ID"
# Errors of Python for values of features, and what they mean.
WRONG_VALUES = (
    (re.compile(r"unexpected keyword argument '(.*)'$"), "the type system has no feature {!r}"),
    (re.compile(r"invalid literal for int\(\) .*: '(.*)'$"), "{!r} must be an integer"),
    (re.compile(r"could not convert string to float: '(.*)'$"), "{!r} must be a number"),
)


def load(document: Document) -> Any:
    """Load a document.

    document (Document): The document.
    RETURNS (Cas): The views, text and annotations, in the classes of dkpro-cassis.
    RAISES (AnnotationError): If the document or its type system is invalid.
    RAISES (ImportError): If dkpro-cassis is not installed.
    """
    import_cassis()
    content = _read(document.file)
    try:
        with warnings.catch_warnings():
            # cassis only warns of an offset outside of the text or within a character.
            warnings.simplefilter("error", UserWarning)
            return _load_json(content) if document.is_json else _load_xmi(content, document)
    except AnnotationError:
        raise
    except UserWarning as error:
        raise AnnotationError(f"all offsets must lie between two characters ({error})") from error
    except Exception as error:  # errors of lxml and cassis have no common type
        raise AnnotationError(_describe(error, document)) from error


def _read(file: AnyPath) -> bytes:
    with archive_errors():
        check_size(file)
        return file.read_bytes()


def _load_xmi(content: bytes, document: Document) -> Any:
    if document.type_system is None:
        raise AnnotationError(f"{TYPE_SYSTEM} is missing in the same folder")
    type_system = _load_type_system(_read(document.type_system))
    cas = import_cassis().load_cas_from_xmi(BytesIO(content), typesystem=type_system)
    _check_ids(_find_ids(content))
    return cas


def _find_ids(content: bytes) -> Iterable[str]:
    from lxml import etree

    for _, element in etree.iterparse(BytesIO(content)):
        # The ids of texts are told apart from those of annotations.
        if XMI_ID in element.attrib and element.tag != SOFA:
            yield element.attrib[XMI_ID]
        element.clear()


def _load_json(content: bytes) -> Any:
    text = content.decode("utf-8-sig")
    fields = json.loads(text)
    for name in (TYPES, FEATURE_STRUCTURES, "%VIEWS"):
        if name not in fields:
            raise AnnotationError(f"the field '{name}' is missing")
    annotations = fields[FEATURE_STRUCTURES]
    _check_ids(each[ID] for each in annotations if isinstance(annotations, list))
    with warnings.catch_warnings():
        # cassis warns of what it does with features: it renames "type", and reads each type twice.
        warnings.filterwarnings(
            "ignore", "Trying to add feature|(For type .*)?[Ff]eature with name"
        )
        return import_cassis().load_cas_from_json(text)


def _check_ids(ids: Iterable[Any]) -> None:
    """Check that no two annotations have the same id, of which cassis would keep one."""
    repeated = [each for each, count in Counter(ids).items() if count > 1]
    if repeated:
        raise AnnotationError(f"all annotations must have different ids, got {repeated[0]} twice")


@lru_cache(maxsize=1)
def _load_type_system(content: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            # cassis warns when it renames a feature with the name "type".
            warnings.simplefilter("ignore", UserWarning)
            return import_cassis().load_typesystem(BytesIO(content))
    except Exception as error:  # errors of lxml and cassis have no common type
        problem = "" if _is_builtin(error) else f" ({error})"
        raise AnnotationError(f"{TYPE_SYSTEM} is not a valid type system{problem}") from error


def _describe(error: Exception, document: Document) -> str:
    kind = "UIMA CAS JSON" if document.is_json else "a CAS XMI of its type system"
    return f"not {kind} ({_describe_problem(error)})"


def _describe_problem(error: Exception) -> str:
    if isinstance(error, KeyError):
        [key] = error.args
        return f"no annotation has the id {key}" if type(key) is int else f"{key!r} is missing"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    if isinstance(error, json.JSONDecodeError) or not _is_builtin(error):
        return str(error)
    for pattern, problem in WRONG_VALUES:
        if found := pattern.search(str(error)):
            return problem.format(found[1])
    return "an annotation lacks a value, such as begin or end, or has one of the wrong type"


def _is_builtin(error: Exception) -> bool:
    """Check if an error comes from Python, so that users can't understand its message."""
    return type(error).__module__ == "builtins"
