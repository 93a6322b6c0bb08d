import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..doc.extensions import warn_of_foreign
from ..doc.meanings import read_meanings
from ..doc.records import DEFAULT_KEY, check_settings, set_settings
from .record_checks import SPAN_ATTRIBUTES, warn_of_meanings
from .span_groups import ENTITIES, RELATIONS, warn_of_other_relations
from .unknown_names import find_assigning, find_labels, warn_of_unknown

ATTRIBUTES = ["doc._.records"]


@Language.factory(
    "str_records",
    assigns=ATTRIBUTES,
    requires=["doc._.relations"],
    default_config={
        "inverse": [],
        "key": DEFAULT_KEY,
        "exclude": {},
        "spans_key": None,
        "omop": None,
    },
)
def make_str_records(
    nlp: Language,
    name: str,
    central: list[str],
    inverse: list[str],
    key: str,
    exclude: dict[str, list[str]],
    spans_key: str | None,
    omop: dict[str, Any] | None,
) -> "RecordMaker":
    """Construct a `str_records` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    central (list[str]): The types of central entities.
    inverse (list[str]): The labels of relations whose head is the value.
    key (str): The template of keys, see `to_records`.
    exclude (dict[str, list[str]]): Values of attributes by name, such as
        `{"Assertion": ["negated"]}`. Central entities with such a value get no record.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    omop (dict[str, Any] | None): What attributes and relations mean to `annotate --format omop` and
        `fhir`, see `Meanings`; the defaults if None.
    RETURNS (RecordMaker): The component.
    """
    warn_of_foreign(ATTRIBUTES)
    maker = RecordMaker(
        name,
        central=central,
        inverse=inverse,
        key=key,
        exclude=exclude,
        spans_key=spans_key,
        omop=omop,
    )
    maker.initialize(nlp=nlp)
    return maker


class RecordMaker:
    """Makes `doc._.records` from relations. Records are made on access, so that they always agree
    with the current `doc._.relations`."""

    def __init__(
        self,
        name: str = "str_records",
        *,
        central: list[str],
        inverse: list[str],
        key: str,
        exclude: dict[str, list[str]],
        spans_key: str | None,
        omop: Mapping[str, Any] | None = None,
    ) -> None:
        """Initialize the component, see `make_str_records`.

        RAISES (ValueError): If there are no central types, the template has unknown fields,
            `exclude` has no lists of values, or `omop` has an unknown or invalid setting.
        """
        check_settings(central, key, exclude)
        self.meanings = read_meanings(omop, central)
        # What was given names what the pipeline predicts; the defaults name more.
        self._given = omop or {}
        self.name = name
        self.settings: dict[str, Any] = {
            "central": central,
            "inverse": inverse,
            "key": key,
            "exclude": exclude,
            "spans_key": spans_key,
        }

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]] | None = None, *, nlp: Language
    ) -> None:
        """Warn of types, labels and attributes that no component predicts, and of a span group that
        is not read.

        get_examples (Callable[[], Iterable[Example]] | None): Not used.
        nlp (Language): The pipeline, which may be incomplete.
        """
        central, inverse = self.settings["central"], self.settings["inverse"]
        warn_of_unknown(self.name, "central", central, find_labels(nlp, ENTITIES))
        warn_of_unknown(self.name, "inverse", inverse, find_labels(nlp, RELATIONS))
        warn_of_unknown(self.name, "exclude", self._excluded, find_labels(nlp, SPAN_ATTRIBUTES))
        if self._excluded and not find_assigning(nlp, SPAN_ATTRIBUTES):
            warnings.warn(WITHOUT_ATTRIBUTES.format(name=self.name), stacklevel=2)
        self.warn_of_meanings(nlp)
        warn_of_other_relations(self.name, nlp, self.settings["spans_key"])

    def warn_of_meanings(self, nlp: Language) -> None:
        """Warn of names in `omop` that no component predicts. Call it after loading, too, as labels
        are loaded only after this component is made.

        nlp (Language): The pipeline.
        """
        warn_of_meanings(self.name, self._given, nlp)

    @property
    def _excluded(self) -> list[str]:
        """RETURNS (list[str]): The excluded values, as the labels of `str_attr`."""
        exclude = self.settings["exclude"]
        return [f"{name}={value}" for name, values in exclude.items() for value in values]

    def __call__(self, doc: Doc) -> Doc:
        """Set how the records of a doc are made.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        warn_of_foreign(ATTRIBUTES)
        set_settings(doc, self.settings)
        return doc


WITHOUT_ATTRIBUTES = (
    "{name}: no component of this pipeline predicts attributes, so `exclude` has no effect. Add a "
    "'str_attr' before {name}. If a component of your own sets attributes, declare "
    'assigns=["span._.attributes"] for it.'
)
