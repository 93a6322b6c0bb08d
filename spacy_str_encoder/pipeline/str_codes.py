import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..doc.codes import Code, get_codes, set_codes
from ..doc.entities import get_entities
from ..doc.extensions import warn_of_foreign
from ..doc.identifiers import set_kb_ids
from ..doc.plurals import count_noun
from ..doc.relation import place_of
from ..files.terminologies import read_terms
from ..terminology.fuzzy import require_rapidfuzz
from ..terminology.matcher import Matcher
from ..terminology.normal_form import NormalForms, find_simplified
from ..terminology.terminology import Terminology
from ..terminology.vectors import mean_output
from .own_config import OwnConfig
from .span_groups import ENTITIES, warn_of_other_entities
from .term_vectors import are_old, make_vectors
from .unknown_names import find_labels, warn_of_unknown

ATTRIBUTES = ["span._.codes"]
FILE = "terminology.npz"
# The codes of a term to list in a warning.
EXAMPLES = 3


@Language.factory(
    "str_codes",
    requires=["doc.ents"],
    assigns=ATTRIBUTES,
    default_config={
        "types": None,
        "spans_key": None,
        "fuzzy": True,
        "vectors": False,
        "threshold": 0.85,
        "max_codes": 5,
    },
)
def make_str_codes(
    nlp: Language,
    name: str,
    types: list[str] | None,
    spans_key: str | None,
    fuzzy: bool,
    vectors: bool,
    threshold: float,
    max_codes: int,
) -> "CodeFinder":
    """Construct a `str_codes` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    types (list[str] | None): The types of entities that get codes; all if None.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    fuzzy (bool): Whether to look for similar terms if none is the same. Requires rapidfuzz.
    vectors (bool): Whether to look for terms with similar vectors of the encoder if there are no
        others.
    threshold (float): The minimum score of a code, from 0 to 1.
    max_codes (int): The maximum number of codes of an entity, unless more share the best score.
    RETURNS (CodeFinder): The component.
    """
    warn_of_foreign(ATTRIBUTES)
    return CodeFinder(
        name,
        types=types,
        spans_key=spans_key,
        fuzzy=fuzzy,
        vectors=vectors,
        threshold=threshold,
        max_codes=max_codes,
        nlp=nlp,
    )


class CodeFinder:
    """Pipeline component that gives entities the codes of a terminology: `span._.codes`, and the
    best one as `span.kb_id_`.
    """

    def __init__(
        self,
        name: str = "str_codes",
        *,
        types: list[str] | None = None,
        spans_key: str | None = None,
        fuzzy: bool = True,
        vectors: bool = False,
        threshold: float = 0.85,
        max_codes: int = 5,
        nlp: Language | None = None,
    ) -> None:
        """Initialize the component, see `make_str_codes`.

        RAISES (ImportError): If fuzzy matches are asked for, and rapidfuzz is not installed.
        RAISES (ValueError): If a setting has no valid value.
        """
        _check_settings(name, types, threshold, max_codes)
        if fuzzy:
            require_rapidfuzz()
        self.name = name
        self.cfg: dict[str, Any] = {
            "types": types,
            "spans_key": spans_key,
            "fuzzy": fuzzy,
            "vectors": vectors,
            "threshold": threshold,
            "max_codes": max_codes,
        }
        self.matcher: Matcher | None = None
        self._config = OwnConfig(nlp)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language,
        path: Path | None = None,
    ) -> None:
        """Read the terminology, and encode its terms if vectors are asked for. Warn of types that
        no component predicts.

        get_examples (Callable[[], Iterable[Example]] | None): Not used.
        nlp (Language): The pipeline.
        path (Path | None): The table, a `.csv`, `.tsv` or `.parquet` file with the columns `code`,
            `system` and `term`.
        RAISES (OSError): If the file can't be read.
        RAISES (ValueError): If there is no file, or it is no such table.
        """
        if path is None:
            raise ValueError(NO_PATH.format(name=self.name))
        warn_of_unknown(self.name, "types", self.cfg["types"] or [], find_labels(nlp, ENTITIES))
        warn_of_other_entities(self.name, nlp, self.cfg["spans_key"])
        terms = read_terms(Path(path))
        terminology = Terminology.from_terms(terms, NormalForms(find_simplified()))
        if not len(terminology.forms):
            raise ValueError(f"{self.name}: {path} has no terms.")
        self._config = OwnConfig(nlp)
        vectors = None
        if self.cfg["vectors"]:
            vectors = make_vectors(nlp, self, self.name, terminology.forms)
        self.matcher = Matcher(terminology, vectors, fuzzy=self.cfg["fuzzy"])
        self._warn_of_ambiguous(self.matcher)

    @property
    def systems(self) -> list[str]:
        """RETURNS (list[str]): The names of the terminologies in its table."""
        return [] if self.matcher is None else [*self.matcher.terminology.systems]

    def _warn_of_ambiguous(self, matcher: Matcher) -> None:
        if terms := matcher.exact.find_ambiguous():
            form = matcher.terminology.forms[min(terms)]
            found = matcher.find(form, threshold=1.0, max_codes=1)
            codes = ", ".join(each["code"] for each in found[:EXAMPLES])
            count = count_noun(len(terms), "term")
            message = AMBIGUOUS.format(name=self.name, count=count, form=form, codes=codes)
            warnings.warn(message, stacklevel=3)

    def __call__(self, doc: Doc) -> Doc:
        """Set the codes of the entities of a doc.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        RAISES (ValueError): If there is no terminology, or vectors are asked for and the doc has
            no output of an encoder.
        """
        warn_of_foreign(ATTRIBUTES)
        spans_key, types = self.cfg["spans_key"], self.cfg["types"]
        kb_ids = {}
        for entity in get_entities(doc, spans_key):
            if types is None or entity.label_ in types:
                codes, earlier = self._find(entity), get_codes(entity)
                set_codes(entity, codes)
                # That of another component stays.
                if entity.kb_id_ in ("", earlier[0]["code"] if earlier else ""):
                    kb_ids[place_of(entity)] = codes[0]["code"] if codes else ""
        set_kb_ids(doc, kb_ids, spans_key)
        return doc

    def _find(self, entity: Span) -> list[Code]:
        if self.matcher is None:
            raise ValueError(NO_PATH.format(name=self.name))
        limits = {name: self.cfg[name] for name in ("threshold", "max_codes")}
        codes = self.matcher.find(entity.text, **limits)
        if self.cfg["vectors"] and not codes:
            return self.matcher.find_by_vector(mean_output(entity), **limits)
        return codes

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize the terminology.

        exclude (Iterable[str]): Not used.
        RETURNS (bytes): The serialized terminology; empty if there is none.
        """
        if self.matcher is None:
            return b""
        self._warn_of_old_vectors(self.matcher)
        return self.matcher.to_bytes()

    def _warn_of_old_vectors(self, matcher: Matcher) -> None:
        nlp, vectors = self._config.find(), matcher.vectors
        if nlp is None or vectors is None:
            return
        if are_old(nlp, self, vectors, matcher.terminology.forms):
            warnings.warn(OLD_VECTORS.format(name=self.name), stacklevel=4)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load the terminology.

        bytes_data (bytes): The output of `to_bytes`.
        exclude (Iterable[str]): Not used.
        RETURNS (CodeFinder): The same component.
        RAISES (ValueError): If it is damaged, or has no vectors and these are asked for.
        """
        if bytes_data:
            self.matcher = Matcher.from_bytes(bytes_data, fuzzy=self.cfg["fuzzy"])
            if self.cfg["vectors"] and self.matcher.vectors is None:
                raise ValueError(NO_VECTORS.format(name=self.name))
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the terminology.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Not used.
        """
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the terminology.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Not used.
        RETURNS (CodeFinder): The same component.
        RAISES (ValueError): If its file is missing or damaged, or has no vectors and these are
            asked for.
        """
        file = Path(path) / FILE
        if not file.is_file():
            raise ValueError(f"{self.name}: {file} is missing. Copy the pipeline again.")
        return self.from_bytes(file.read_bytes())


def _check_settings(name: str, types: Any, threshold: float, max_codes: int) -> None:
    if isinstance(types, str):
        raise ValueError(f"{name}: `types` must be a list of entity types, got {types!r}.")
    if types is not None and not types:
        raise ValueError(f"{name}: `types` must have an entity type, or be null for all, got none.")
    # This refuses NaN too.
    if not 0 <= threshold <= 1:
        raise ValueError(f"{name}: `threshold` must be a number from 0 to 1, got {threshold}.")
    if max_codes < 1:
        raise ValueError(f"{name}: `max_codes` must be at least 1, got {max_codes}.")


NO_PATH = (
    "{name} has no terminology. Set its table as `path` in [initialize.components.{name}], or call "
    "nlp.get_pipe('{name}').initialize(nlp=nlp, path='terms.csv')."
)
NO_VECTORS = (
    "{name}: the saved terminology has no vectors, but vectors = true. Load the pipeline with "
    "vectors = false; or load it so, remove the component, add it with vectors = true, and call "
    "its `initialize`."
)
AMBIGUOUS = (
    "{name}: the terminology repeats {count} for another code of the same system, such as '{form}' "
    "(codes {codes}). An entity with such a term gets all of its codes, and the first one in the "
    "table as kb_id_."
)
OLD_VECTORS = (
    "{name}: the encoder has changed since the terms were encoded, so vectors do not match. Once "
    "the training is finished, call nlp.get_pipe('{name}').initialize(nlp=nlp, path=...) and save "
    "the pipeline again."
)
