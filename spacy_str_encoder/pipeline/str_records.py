from spacy.language import Language
from spacy.tokens import Doc

from ..records import DEFAULT_KEY, check_settings, set_settings


@Language.factory(
    "str_records",
    assigns=["doc._.records"],
    requires=["doc._.relations"],
    default_config={"inverse": [], "key": DEFAULT_KEY, "spans_key": None},
)
def make_str_records(
    nlp: Language,
    name: str,
    central: list[str],
    inverse: list[str],
    key: str,
    spans_key: str | None,
) -> "RecordMaker":
    """Construct a `str_records` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    central (list[str]): The types of entities that records are about.
    inverse (list[str]): The labels of relations that go out from the attribute.
    key (str): The template of keys, see `records.to_records`.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (RecordMaker): The component.
    """
    return RecordMaker(name, central=central, inverse=inverse, key=key, spans_key=spans_key)


class RecordMaker:
    """Makes records of relations: `doc._.records`. They are made when they are asked for, so that
    they follow what is set in `doc._.relations` afterwards."""

    def __init__(
        self,
        name: str = "str_records",
        *,
        central: list[str],
        inverse: list[str],
        key: str,
        spans_key: str | None,
    ) -> None:
        """Initialize the component, see `make_str_records`.

        RAISES (ValueError): If there are no central types, or the template has unknown fields.
        """
        check_settings(central, key)
        self.name = name
        self.settings = {
            "central": central,
            "inverse": inverse,
            "key": key,
            "spans_key": spans_key,
        }

    def __call__(self, doc: Doc) -> Doc:
        """Say how the records of a doc are made.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        set_settings(doc, self.settings)
        return doc
