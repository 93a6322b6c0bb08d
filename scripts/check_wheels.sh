#!/usr/bin/env bash
# Installs the library's and the pipeline's wheel into an empty environment, and loads the pipeline
# there, with no import of ours and no access to the encoder's original folder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$work" .
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
