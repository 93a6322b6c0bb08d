"""Check what context.py makes of medspaCy's ConText, in an environment with medspaCy: see `make
check-recipes`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

COMMAND = Path(__file__).parent / "context.py"
# An entity, and its values by attribute: [words] or [words=value,value].
ENTITY = re.compile(r"\[([^\]=]+)=?([a-z,]*)\]")
NAMES = {
    "negated": "Assertion",
    "possible": "Assertion",
    "past": "Time",
    "hypothetical": "Time",
    "family": "Experiencer",
}
SENTENCES = [
    "He denies [fever=negated] and [cough=negated].",
    "There is no evidence of [pneumonia=negated].",
    "She has [asthma]. No [wheezing=negated].",
    "[Headache] since Monday, but no [nausea=negated].",
    "Possible [fracture=possible] of the left wrist.",
    "Findings are suspicious for [embolism=possible].",
    "History of [stroke=past].",
    "Return if [chest pain=hypothetical] occurs.",
    "Her mother had [breast cancer=family].",
    "No family history of [diabetes=negated,past,family].",
    "[Rash] on both arms.",
    "",
]


def read_sentence(sentence: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Read a sentence with entities.

    sentence (str): The sentence.
    RETURNS (tuple[dict[str, Any], list[dict[str, str]]]): It as in the format `jsonl`, and the
        expected attributes.
    """
    entities, expected, removed = [], [], 0
    for match in ENTITY.finditer(sentence):
        start = match.start() - removed
        removed += len(match[0]) - len(match[1])
        entities.append({"start": start, "end": start + len(match[1]), "label": "Finding"})
        values = [value for value in match[2].split(",") if value]
        expected.append({NAMES[value]: value for value in values})
    return {"text": ENTITY.sub(r"\1", sentence), "entities": entities}, expected


def run_command(texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run context.py.

    texts (list[dict[str, Any]]): The texts.
    RETURNS (list[dict[str, Any]]): The texts with attributes.
    """
    with TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.jsonl", Path(folder) / "after.jsonl"
        before.write_text("".join(f"{json.dumps(text)}\n" for text in texts), "utf-8")
        subprocess.run([sys.executable, COMMAND, before, "--output", after], check=True)
        return [json.loads(line) for line in after.read_text("utf-8").splitlines()]


def main() -> None:
    """Check each sentence. Exit with 1 if one is wrong."""
    texts, expected = zip(*map(read_sentence, SENTENCES), strict=True)
    found = run_command(list(texts))
    wrong = 0
    for text, after, values in zip(texts, found, expected, strict=True):
        entities = [
            {**entity, "attributes": each}
            for entity, each in zip(text["entities"], values, strict=True)
        ]
        if after != {**text, "entities": entities}:
            print(f"wrong: {text['text']}\n  expected {entities}\n  got      {after['entities']}")
            wrong += 1
    print(f"{len(texts) - wrong} of {len(texts)} sentences are as expected")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
