"""Annotation types of INCEpTION."""

from types import ModuleType

STRING, FLOAT = "uima.cas.String", "uima.cas.Float"
# Ranges of features that hold one value. Features without a value hold 0 or false if they are no
# strings.
PRIMITIVES = {
    STRING,
    *(f"uima.cas.{name}" for name in ("Boolean", "Byte", "Short", "Integer", "Long")),
    *(FLOAT, "uima.cas.Double"),
}
ANNOTATION = "uima.tcas.Annotation"
DOCUMENT = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
# INCEpTION lets nobody add features to NamedEntity, so this layer holds entities with attributes or
# scores.
ENTITY_WITH_ATTRIBUTES = "webanno.custom.Entity"
RELATION = "webanno.custom.Relation"
# The features of an annotation in a text, and those of a relation layer.
POSITION = ("sofa", "begin", "end")
HEAD, TAIL = "Governor", "Dependent"
# The features of a link.
ROLE, TARGET = "role", "target"
# The title is the name of a document; its id is the name of the annotator, or the title again.
TITLE, DOCUMENT_ID = "documentTitle", "documentId"
# Other metadata of a document, and the language that UIMA itself stores.
META = (DOCUMENT_ID, "documentUri", "collectionId", "documentBaseUri")
LANGUAGE = "language"


def import_cassis() -> ModuleType:
    """Import dkpro-cassis, which reads and writes UIMA.

    RETURNS (ModuleType): The module.
    RAISES (ImportError): If it is not installed. The message tells how to install it.
    """
    try:
        import cassis
    except ImportError as error:
        raise ImportError(
            "UIMA requires dkpro-cassis; install it with pip install 'spacy_str_encoder[uima]'"
        ) from error
    return cassis
