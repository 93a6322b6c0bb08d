"""Checks that modules import only what docs/architecture.md allows: its table is the contract.

Every import counts, those inside of functions and under TYPE_CHECKING too.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spacy_str_encoder"
TABLE = ROOT / "docs" / "architecture.md"
# A row: the rooms, what they hold, and what they may import. "All of the above" is what it says.
ROW = re.compile(r"^\| (`[^|]+`) \| [^|]+ \| ([^|]*) \|$", re.MULTILINE)
ALL = "all of the above"


def read_contract(text: str) -> dict[str, set[str]]:
    """Read the table.

    text (str): The page.
    RETURNS (dict[str, set[str]]): The rooms and libraries that each room may import.
    """
    contract: dict[str, set[str]] = {}
    for rooms, allowed in ROW.findall(text):
        names = {*_names(rooms)}
        above = {*contract, *(each for known in contract.values() for each in known)}
        may_import = above if ALL in allowed else set()
        contract |= dict.fromkeys(names, may_import | {*_names(allowed)})
    return contract


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def find_imports(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Find what a module imports.

    path (Path): The module.
    package (Path): The folder of the package.
    YIELDS (tuple[int, str]): The line, and the room or the library.
    """
    inside = path.relative_to(package).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, _room(name.name.split("."), package)
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            if node.level:
                module = [package.name, *inside[: len(inside) - node.level + 1], *module]
            names = [name.name for name in node.names] if module == [package.name] else [""]
            for each in names:
                yield node.lineno, _room([*module, each], package)


def _room(module: list[str], package: Path) -> str:
    return module[1] if module[0] == package.name else module[0]


def find_violations(package: Path, contract: dict[str, set[str]]) -> Iterator[str]:
    """Compare the modules of a package with the contract.

    package (Path): The folder of the package.
    contract (dict[str, set[str]]): The rooms and libraries that each room may import.
    YIELDS (str): Each import that is not allowed, and each room that is not in the contract.
    """
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room not in contract:
            yield f"{path}: '{room}' is not in the table"
            continue
        for line, imported in find_imports(path, package):
            if imported not in {room, *contract[room], *sys.stdlib_module_names}:
                yield f"{path}:{line}: '{room}' must not import '{imported}'"


def main() -> None:
    """Exit with an error if an import is not allowed."""
    contract = read_contract(TABLE.read_text("utf-8"))
    if violations := [*find_violations(PACKAGE, contract)]:
        sys.exit("\n".join([*violations, f"{TABLE} says what each may import."]))


if __name__ == "__main__":
    main()
