from collections.abc import Mapping
from typing import Any

from spacy import registry

from ..pairs.constraints import Constraint


def resolve_constraints(name: str, blocks: Any) -> dict[str, Constraint]:
    """Make constraints from the blocks of a config.

    name (str): The name of the component.
    blocks (Any): The blocks by name.
    RETURNS (dict[str, Constraint]): The constraints by name.
    RAISES (ValueError): If they are no blocks of registered functions, or a setting is wrong.
    """
    if not isinstance(blocks, Mapping) or not all(map(_is_block, blocks.values())):
        raise ValueError(NO_BLOCKS.format(name=name, got=blocks))
    return require_functions(name, registry.resolve({"constraints": dict(blocks)})["constraints"])


def require_functions(name: str, constraints: Any) -> dict[str, Constraint]:
    """Require that constraints are functions by name, which a config does not check.

    name (str): The name of the component.
    constraints (Any): The constraints by name.
    RETURNS (dict[str, Constraint]): The constraints by name.
    RAISES (ValueError): If they are not functions of relations.
    """
    if not isinstance(constraints, Mapping) or not all(map(callable, constraints.values())):
        raise ValueError(NO_BLOCKS.format(name=name, got=constraints))
    for key, constraint in constraints.items():
        try:
            list(constraint([]))
        except TypeError as error:
            raise ValueError(NO_CONSTRAINT.format(name=name, key=key, error=error)) from error
    return dict(constraints)


NO_CONSTRAINT = (
    "{name}: the constraint '{key}' must be a function that takes a list of relations and returns "
    "groups of them, but with an empty list it raises: {error}."
)
NO_BLOCKS = (
    "{name}: constraints must be blocks of registered functions by name, as in a config, such as "
    '{{"one_degree": {{"@misc": "spacy-str-encoder.max_per_head.v1", "label": "HasDegree", '
    '"limit": 1}}}}, got {got!r}.'
)


def _is_block(block: Any) -> bool:
    return isinstance(block, Mapping) and any(str(key).startswith("@") for key in block)
