"""Identity of entities: by their codes, or by their texts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...terminology.normal_form import NormalForms, make_key
from ..ids import hash_of

# What entities of the same type have in common if they are the same.
CODE, TEXT = "code", "text"


@dataclass(frozen=True)
class Identity:
    """Tells which entities are the same.

    same (str): What they have in common, `CODE` or `TEXT`. With codes, entities without a code are
        the same if their texts are.
    types (Collection[str]): The types of the entities that are merged; empty for all.
    """

    same: str
    types: Collection[str] = ()

    def merges(self, entity: Mapping[str, str]) -> bool:
        """Check if an entity can be the same as others.

        entity (Mapping[str, str]): Its properties.
        RETURNS (bool): Whether its type is merged.
        """
        return not self.types or entity["label"] in self.types

    def has_code(self, entity: Mapping[str, str]) -> bool:
        """Check if the code of an entity tells which others are the same.

        entity (Mapping[str, str]): Its properties.
        RETURNS (bool): Whether it does.
        """
        return self.same == CODE and bool(entity["code"])

    def hash(self, entity: Mapping[str, str]) -> str:
        """Compute the identifier of all entities that are the same.

        entity (Mapping[str, str]): The properties of one.
        RETURNS (str): The identifier; that of the entity itself if its type is not merged.
        """
        if not self.merges(entity):
            return entity["id"]
        label, text = entity["label"], entity["text"]
        if self.has_code(entity):
            return hash_of("code", label, entity["system"], entity["code"])
        # A text of punctuation alone has an empty form.
        return hash_of("text", label, make_key(_normal_form(text)) or text)


# Traditional and simplified characters stay apart, whatever is installed.
_normal_form = NormalForms({})
