#!/usr/bin/env bash
# Checks that the library's wheel has the files that git has, installs it and the pipeline's into an
# empty environment, and loads the pipeline there, with no import of ours and no access to the encoder's original folder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Modules that are gone would stay in there, and get into the wheel.
rm -rf build
.venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$work" .
.venv/bin/python - "$work" <<'PYTHON'
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

[wheel] = Path(sys.argv[1]).glob("*.whl")
packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
command = ["git", "ls-files", "spacy_str_encoder"]
tracked = {*subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()}
if packed != tracked:
    raise SystemExit(f"The wheel differs from what git has: {sorted(packed ^ tracked)}")
PYTHON
"${PYTHON:-python3}" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt"
$pip torch
$pip "$work"/*.whl packages/*/dist/*.whl
cd "$work"
./venv/bin/python - <<'PYTHON'
import spacy

nlp = spacy.load("zh_coronary_str")
doc = nlp("左主干未见明显狭窄，前降支近段局限性狭窄约70％。")
if not (doc.ents and doc._.relations):
    raise SystemExit("The packaged pipeline finds nothing.")
print("The packaged pipeline finds", doc.ents, [relation.label for relation in doc._.relations])
PYTHON
