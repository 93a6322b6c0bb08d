"""Install the library into a fresh environment of each Python, and try a small pipeline in it.

An environment may take 5 GB while it is tried, in the folder for temporary files (TMPDIR). This
script needs the standard library alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
# All that the library is built from.
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "spacy_str_encoder")
NOT_TESTED = "not tested (not found)"
TELL_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


@dataclass
class Outcome:
    """Result of one version.

    python (str): The version asked for, such as "3.12".
    release (str): The release that was found, such as "3.12.1".
    seconds (float): Time that installing and trying took.
    result (str): What happened.
    """

    python: str
    release: str = "-"
    seconds: float = 0.0
    result: str = NOT_TESTED


def main() -> None:
    """Check each version, print a table, and exit with 1 if one that was found fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="+", help="Versions, such as 3.12.")
    parser.add_argument("--extras", default="", help="Extras to install, separated by commas.")
    options = parser.parse_args()
    outcomes = [check(version, options.extras) for version in options.versions]
    print_table(outcomes)
    if any(outcome.result not in ("passed", NOT_TESTED) for outcome in outcomes):
        raise SystemExit(1)


def check(version: str, extras: str) -> Outcome:
    """Install the library for one version, and try it.

    version (str): The version, such as "3.12".
    extras (str): Extras to install, separated by commas.
    RETURNS (Outcome): What came of it.
    """
    found = find_python(version)
    if found is None:
        return Outcome(version)
    python, release = found
    print(f"Python {release} ({python})", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"python{version}-") as folder:
        result = try_in(Path(folder), python, extras)
    return Outcome(version, release, time.monotonic() - start, result)


def try_in(folder: Path, python: Path, extras: str) -> str:
    """Run each step in an empty folder, until one fails.

    folder (Path): The folder.
    python (Path): The interpreter.
    extras (str): Extras to install, separated by commas.
    RETURNS (str): "passed", or the step that failed.
    """
    copy_sources(folder / "source")
    for step, command in list_steps(folder, python, extras):
        print(f"  {step}", flush=True)
        if subprocess.run(command, cwd=folder, env=clean_environment()).returncode:
            return f"failed: {step}"
    return "passed"


def list_steps(folder: Path, python: Path, extras: str) -> list[tuple[str, list[str]]]:
    """List what is run for a version: names of steps, and their commands.

    folder (Path): The folder for the environment, with a copy of the sources.
    python (Path): The interpreter.
    extras (str): Extras to install, separated by commas.
    RETURNS (list[tuple[str, list[str]]]): The steps, in order.
    """
    own = str(folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    install = [own, "-m", "pip", "install", "--quiet", "--constraint", str(CONSTRAINTS)]
    source = f"{folder / 'source'}[{extras}]" if extras else str(folder / "source")
    return [
        ("make an environment", [str(python), "-m", "venv", str(folder / "venv")]),
        ("install PyTorch", [*install, "torch"]),
        ("install the library", [*install, source]),
        ("check requirements", [own, "-m", "pip", "check"]),
        ("try a pipeline", [own, "-I", str(ROOT / "scripts" / "try_pipeline.py")]),
    ]


def copy_sources(folder: Path) -> None:
    """Copy what the library is built from, without what earlier builds left beside it.

    folder (Path): The folder to make.
    """
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)


def clean_environment() -> dict[str, str]:
    """Return the variables for each step, without the one that leads to packages elsewhere."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # The tokenizers of a process that forks warn otherwise.
    return {**variables, "TOKENIZERS_PARALLELISM": "false"}


def find_python(version: str) -> tuple[Path, str] | None:
    """Find an interpreter of a version that runs.

    version (str): The version, such as "3.12".
    RETURNS (Optional[tuple[Path, str]]): Its path and release, or None.
    """
    for path in list_candidates(version):
        release = get_release(path)
        if release is not None and release.startswith(f"{version}."):
            return path, release
    return None


def list_candidates(version: str) -> Iterator[Path]:
    """Yield what may be an interpreter of a version: this one, that on PATH, then those of pyenv.

    version (str): The version, such as "3.12".
    YIELDS (Path): The candidates.
    """
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from newest_first((pyenv / "versions").glob(f"{version}.*/bin/python"))


def newest_first(pythons: Iterable[Path]) -> list[Path]:
    """Sort pyenv's interpreters by the numbers of their releases: 3.12.10 before 3.12.9.

    pythons (Iterable[Path]): Interpreters, such as ~/.pyenv/versions/3.12.1/bin/python.
    RETURNS (list[Path]): The newest one first.
    """

    def key(path: Path) -> list[int]:
        return [int(part) for part in path.parts[-3].split(".") if part.isdecimal()]

    return sorted(pythons, key=key, reverse=True)


def get_release(python: Path) -> str | None:
    """Ask an interpreter for its release: pyenv puts commands on PATH that only fail.

    python (Path): The interpreter.
    RETURNS (Optional[str]): Its release, such as "3.12.1", or None if it does not run.
    """
    command = [str(python), "-c", TELL_VERSION]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def print_table(outcomes: list[Outcome]) -> None:
    """Print a line for each version.

    outcomes (list[Outcome]): What came of each.
    """
    print(f"\n{'Python':8}{'release':10}{'seconds':>8}  result")
    for each in outcomes:
        seconds = f"{each.seconds:.0f}" if each.seconds else "-"
        print(f"{each.python:8}{each.release:10}{seconds:>8}  {each.result}")


if __name__ == "__main__":
    main()
