#!/usr/bin/env bash
# Checks that the wheel of the library contains exactly the files tracked by git, installs it and the
# wheel of the pipeline in an empty environment, and loads the pipeline there, without importing the
# library and without the original folder of the encoder.
set -euo pipefail
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Deleted modules would remain there and end up in the wheel.
rm -rf build
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work" .
"$python" - "$work" <<'PYTHON'
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

[wheel] = Path(sys.argv[1]).glob("*.whl")
packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
# Outside of a checkout, such as in an unpacked archive, all files are tracked.
if Path(".git").exists():
    command = ["git", "ls-files", "spacy_str_encoder"]
    tracked = {*subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()}
else:
    files = (path for path in Path("spacy_str_encoder").rglob("*") if path.is_file())
    tracked = {path.as_posix() for path in files if path.suffix != ".pyc"}
if packed != tracked:
    raise SystemExit(f"The wheel differs from the files in git: {sorted(packed ^ tracked)}")
PYTHON
"$python" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt"
$pip torch
$pip "$work"/*.whl packages/*/dist/*.whl
cd "$work"
./venv/bin/python - <<'PYTHON'
import spacy

nlp = spacy.load("zh_coronary_str")
doc = nlp("左主干未见明显狭窄，前降支近段局限性狭窄约70％。")
if not (doc.ents and doc._.relations):
    raise SystemExit("The packaged pipeline predicts nothing.")
print("The packaged pipeline predicts", doc.ents, [relation.label for relation in doc._.relations])
PYTHON
