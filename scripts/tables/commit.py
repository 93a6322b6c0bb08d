"""The commit that figures come from."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def find_commit() -> str:
    """RETURNS (str): The commit of the project, with a note if files differ from it; `unknown`
    outside of a repository.
    """
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        return f"{commit} with changes" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return ended.stdout.strip()
