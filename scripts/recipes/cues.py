"""Attributes of entities from cues: words beside them, such as "no" or "possible".

Use this file with `--code scripts/recipes/cues.py`, or import it, and add the component
`cue_attributes` to a pipeline. See docs/recipes.md.
"""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from spacy_str_encoder import get_attributes, set_attributes

AFTER, BEFORE, END, NONE = "after", "before", "end", "none"
# The fields that a cue of each scope must have besides its words, and those that it may have.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    AFTER: ({"attribute", "value"}, set()),
    BEFORE: ({"attribute", "value"}, set()),
    END: (set(), {"attribute"}),
    NONE: (set(), set()),
}
FILE = "cues.jsonl"


@dataclass(frozen=True)
class Cue:
    """Words that give a value to the entities on one side of them, or that limit other cues.

    cue (str): The words, in upper or lower case.
    scope (str): "after" or "before": entities on this side get the value. "end": the scopes of
        other cues end here. "none": the words are no cue, nor are shorter cues inside of them.
    attribute (str | None): The name of the attribute. An "end" with a name ends only the scopes of
        this attribute.
    value (str | None): The value of the attribute.
    """

    cue: str
    scope: str
    attribute: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        given = {name: each for name, each in asdict(self).items() if each is not None}
        for name, each in given.items():
            if not isinstance(each, str) or not each.strip():
                raise ValueError(f"{name!r} must be a string that is not blank, got {each!r}")
        if self.scope not in FIELDS:
            raise ValueError(f"'scope' must be one of {', '.join(FIELDS)}, got {self.scope!r}")
        needed, optional = FIELDS[self.scope]
        for name in sorted(needed - given.keys()):
            raise ValueError(f"a cue with the scope {self.scope!r} must have a {name!r}")
        for name in sorted(given.keys() - {"cue", "scope"} - needed - optional):
            raise ValueError(f"a cue with the scope {self.scope!r} can't have a {name!r}")


LINE_END = Cue("line end", END)


def read_cues(path: str | Path) -> list[Cue]:
    """Read a file of cues: JSON lines with the fields of `Cue`.

    path (str | Path): The file.
    RETURNS (list[Cue]): The cues.
    RAISES (ValueError): If a line is not a cue.
    """
    cues = []
    for number, line in enumerate(Path(path).read_text("utf-8-sig").split("\n"), start=1):
        try:
            cues += [_parse(line)] if line.strip() else []
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return cues


def _parse(line: str) -> Cue:
    try:
        data = srsly.json_loads(line)
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    names = [field.name for field in fields(Cue)]
    for name in data:
        if name not in names:
            raise ValueError(f"unknown field {name!r}: the fields are {', '.join(names)}")
    for name in ("cue", "scope"):
        if name not in data:
            raise ValueError(f"the field {name!r} is missing")
    return Cue(**data)


@dataclass(frozen=True)
class Match:
    """Words of a doc that are cues.

    start (int): The first token.
    end (int): The token after the last one.
    cues (list[Cue]): The cues. The same words can have two scopes.
    """

    start: int
    end: int
    cues: list[Cue]

    def values(self, scope: str) -> Iterator[tuple[str, str]]:
        """Find the values for the entities on one side.

        scope (str): "after" or "before".
        YIELDS (tuple[str, str]): Attribute and value.
        """
        for cue in self.cues:
            if cue.scope == scope and cue.attribute and cue.value:
                yield cue.attribute, cue.value


@dataclass(frozen=True)
class Found:
    """A cue that reaches an entity.

    value (str): Its value.
    distance (int): The number of tokens between the cue and the entity.
    """

    value: str
    distance: int


@Language.factory(
    "cue_attributes",
    requires=["doc.ents"],
    assigns=["span._.attributes"],
    default_config={
        "spans_key": None,
        "defaults": {},
        "types": None,
        "line_ends": True,
        "scorer": {"@scorers": "spacy-str-encoder.attribute_scorer.v1"},
    },
    default_score_weights={"attrs_f": 1.0, "attrs_p": 0.0, "attrs_r": 0.0, "attrs_per_type": None},
)
def make_cue_attributes(
    nlp: Language,
    name: str,
    path: str,
    spans_key: str | None,
    defaults: dict[str, str],
    types: list[str] | None,
    line_ends: bool,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "CueAttributes":
    """Construct a `cue_attributes` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    path (str): The file of cues. A saved pipeline holds a copy of it.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    defaults (dict[str, str]): The values of entities that no cue reaches, by attribute.
    types (list[str] | None): The entity types that have attributes; None for all.
    line_ends (bool): Whether scopes end at line breaks.
    scorer (Callable | None): The scoring method.
    RETURNS (CueAttributes): The component.
    """
    warn_of_other_entities(nlp, name, spans_key)
    return CueAttributes(
        nlp,
        path,
        name,
        spans_key=spans_key,
        defaults=defaults,
        types=types,
        line_ends=line_ends,
        scorer=scorer,
    )


def warn_of_other_entities(nlp: Language, name: str, spans_key: str | None) -> None:
    """Warn if the components of a pipeline set entities, but not where a component reads them.

    nlp (Language): The pipeline, without the component.
    name (str): The name of the component.
    spans_key (str | None): The span group that it reads; `doc.ents` if None.
    """
    keys = {
        other: config["spans_key"]
        for other, config in ((each, nlp.get_pipe_config(each)) for each in nlp.pipe_names)
        if {"doc.ents", "doc.spans"}.intersection(nlp.get_pipe_meta(other).assigns)
        and "spans_key" in config
    }
    if keys and spans_key not in keys.values():
        read, (other, key) = name_place(spans_key), next(iter(keys.items()))
        warnings.warn(
            f"{name} reads entities from {read}, but those of {other} are in {name_place(key)}, "
            f"where they get no attributes. Set spans_key of {name} to that of {other}.",
            stacklevel=2,
        )


def name_place(spans_key: str | None) -> str:
    """Name the place of entities, for messages.

    spans_key (str | None): The span group; `doc.ents` if None.
    RETURNS (str): The name.
    """
    return "doc.ents" if spans_key is None else f"doc.spans['{spans_key}']"


class CueAttributes(Pipe):
    """Pipeline component that sets `span._.attributes` by the cues beside each entity."""

    def __init__(
        self,
        nlp: Language,
        path: str | Path,
        name: str = "cue_attributes",
        *,
        spans_key: str | None = None,
        defaults: Mapping[str, str] | None = None,
        types: Iterable[str] | None = None,
        line_ends: bool = True,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Initialize the component, see `make_cue_attributes`."""
        self.name, self.scorer = name, scorer
        self.vocab, self.tokenizer = nlp.vocab, nlp.tokenizer
        self.path, self.line_ends = Path(path), line_ends
        self.types = None if types is None else {*types}
        # `evaluate` and spaCy look up these settings here.
        self.cfg: dict[str, Any] = {"spans_key": spans_key, "defaults": dict(defaults or {})}
        # A saved pipeline may be loaded where this file is missing: `from_disk` reads its copy.
        self.cues: list[Cue] | None = None
        if self.path.is_file():
            self.set_cues(read_cues(self.path))

    def set_cues(self, cues: Iterable[Cue]) -> None:
        """Replace the cues.

        cues (Iterable[Cue]): The new cues.
        """
        self.cues = list(cues)
        by_words = defaultdict(list)
        for cue in self.cues:
            by_words[cue.cue.lower()].append(cue)
        self.by_words = dict(by_words)
        self.matcher = PhraseMatcher(self.vocab, attr="LOWER")
        for words in self.by_words:
            self.matcher.add(words, [self.tokenizer(words)])

    @property
    def names(self) -> set[str]:
        """RETURNS (set[str]): The attributes that the component sets."""
        of_cues = {cue.attribute for cue in self.require_cues() if cue.attribute is not None}
        return of_cues.union(self.cfg["defaults"])

    def require_cues(self) -> list[Cue]:
        """Return the cues.

        RETURNS (list[Cue]): The cues.
        RAISES (ValueError): If the file was missing.
        """
        if self.cues is None:
            raise ValueError(f"{self.name}: {self.path}: no such file of cues")
        return self.cues

    def __call__(self, doc: Doc) -> Doc:
        """Set the attributes of the entities of a doc. Attributes of other names stay.

        doc (Doc): The doc, with entities.
        RETURNS (Doc): The same doc.
        RAISES (ValueError): If the file of cues was missing.
        """
        names, key = self.names, self.cfg["spans_key"]
        entities = list(doc.ents if key is None else doc.spans.get(key, []))
        typed = [each for each in entities if self.types is None or each.label_ in self.types]
        found = find_values(self.find_cues(doc, typed), typed)
        for entity in entities:
            known = get_attributes(entity) or {}
            values = {name: value for name, value in known.items() if name not in names}
            if entity in found:
                values |= self.cfg["defaults"] | found[entity]
            set_attributes(entity, values)
        return doc

    def find_cues(self, doc: Doc, entities: Iterable[Span]) -> list[Match]:
        """Find the cues of a doc. Words that share a token with an entity, or with a longer cue, do
        not count.

        doc (Doc): The doc.
        entities (Iterable[Span]): The entities that have attributes.
        RETURNS (list[Match]): The cues.
        """
        taken = {i for entity in entities for i in range(entity.start, entity.end)}
        spans: list[Span] = self.matcher(doc, as_spans=True)
        free = (span for span in spans if taken.isdisjoint(range(span.start, span.end)))
        matches = [
            Match(span.start, span.end, self.by_words[span.label_]) for span in filter_spans(free)
        ]
        if self.line_ends:
            breaks = [token.i for token in doc if "\n" in token.text and token.i not in taken]
            matches += [Match(i, i + 1, [LINE_END]) for i in breaks]
        return matches

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the cues.

        path (str | Path): The folder.
        exclude (Iterable[str]): Not used.
        """
        Path(path).mkdir(parents=True, exist_ok=True)
        cues = (asdict(cue).items() for cue in self.require_cues())
        lines = [{name: each for name, each in cue if each is not None} for cue in cues]
        srsly.write_jsonl(Path(path) / FILE, lines)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "CueAttributes":
        """Load the cues.

        path (str | Path): The folder.
        exclude (Iterable[str]): Not used.
        RETURNS (CueAttributes): The same component.
        """
        self.set_cues(read_cues(Path(path) / FILE))
        return self


def find_values(matches: Iterable[Match], entities: Iterable[Span]) -> dict[Span, dict[str, str]]:
    """Give each entity the values of the nearest cues that reach it. Of two that are equally near,
    the one before the entity counts.

    matches (Iterable[Match]): The cues. None shares a token with an entity.
    entities (Iterable[Span]): The entities.
    RETURNS (dict[Span, dict[str, str]]): The values of each entity, by attribute.
    """
    places: list[Any] = [*matches, *entities]
    forwards = sorted(places, key=lambda each: each.start)
    nearest = dict(_walk(forwards, AFTER))
    for entity, found in _walk(forwards[::-1], BEFORE):
        for name, each in found.items():
            before = nearest[entity].setdefault(name, each)
            nearest[entity][name] = min(before, each, key=lambda one: one.distance)
    return {
        entity: {name: each.value for name, each in found.items()}
        for entity, found in nearest.items()
    }


def _walk(places: list[Any], scope: str) -> Iterator[tuple[Span, dict[str, Found]]]:
    """Walk from cues to the entities in their scope, and remember the last cue of each attribute.

    YIELDS (tuple[Span, dict[str, Found]]): Each entity, and the cues that reach it.
    """
    # The value, and the border of the cue from which distances count.
    last: dict[str, tuple[str, int]] = {}
    for each in places:
        near, far = (each.start, each.end) if scope == AFTER else (each.end, each.start)
        if isinstance(each, Span):
            yield each, {name: Found(value, abs(near - at)) for name, (value, at) in last.items()}
        else:
            ended = {cue.attribute for cue in each.cues if cue.scope == END}
            last = {n: v for n, v in last.items() if ended.isdisjoint({n, None})}
            last |= {name: (value, far) for name, value in each.values(scope)}
