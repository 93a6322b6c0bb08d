"""Check `serve --label-studio` against a real Label Studio, from labeling config to training: see
`make check-label-studio`. With `--record`, what Label Studio sends is saved for the tests.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from .exchange import FOLDER, record, save
from .rules import make_rules
from .studio import HOST, Studio, find_port, run_studio, wait_until

ROOT = Path(__file__).parents[2]
CODE = Path(__file__).with_name("rules.py")
TOKEN = "token-of-the-check"
MOST = 60
TEXTS = [
    "前降支近段狭窄伴钙化，回旋支未见夹层。",
    "回旋支狭窄。",
    "患者一般情况可。",
    " ",
    f"前降支{'轻' * MOST}度狭窄。",
]
# What the rules find in the first text: label, attribute and text of each entity; and head, label
# and tail of each relation.
ENTITIES = [
    ("BodyPart", None, "前降支"),
    ("Finding", "present", "狭窄"),
    ("Finding", "present", "钙化"),
    ("BodyPart", None, "回旋支"),
    ("Finding", "negated", "夹层"),
]
RELATIONS = [
    ("狭窄", "Position", "前降支"),
    ("狭窄", "With", "钙化"),
    ("夹层", "Position", "回旋支"),
]
# Numbers of entities in the other texts. Those without a text, or with one that is too long, have
# none.
OTHERS = [2, 0, 0, 0]


def run(*arguments: Any) -> str:
    """Run a command of the library.

    *arguments (Any): The arguments.
    RETURNS (str): What it prints.
    """
    command = [sys.executable, "-m", "spacy_str_encoder", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextmanager
def run_service(pipeline: Path, folder: Path) -> Iterator[str]:
    """Run the service until the end of the block.

    pipeline (Path): The pipeline.
    folder (Path): A folder for the log and the tokens.
    YIELDS (str): The address, once the service is ready.
    """
    tokens, port = folder / "tokens.txt", find_port()
    tokens.write_text(TOKEN)
    tokens.chmod(0o600)
    options = ["--label-studio", "--token-file", tokens, "--max-length", MOST, "--port", port]
    command = [sys.executable, "-m", "spacy_str_encoder", "serve", pipeline, "--code", CODE]
    with (folder / "service.log").open("w") as log:
        arguments = [*map(str, command + options)]
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://{HOST}:{port}"
    try:
        wait_until(lambda: httpx.get(f"{address}/ready").is_success, "the service")
        yield address
    finally:
        process.terminate()
        process.wait()


def check(what: str, found: Any, expected: Any) -> None:
    """Compare what was found with what should be.

    what (str): What it is.
    found (Any): What was found.
    expected (Any): What should be.
    RAISES (SystemExit): If they differ.
    """
    if found != expected:
        raise SystemExit(f"wrong: {what}\n  expected {expected}\n  got      {found}")
    print(f"as expected: {what}")


def connect(studio: Studio, config: str, address: str) -> int:
    """Create a project, and connect the service.

    studio (Studio): Label Studio.
    config (str): The labeling config.
    address (str): The address of the service.
    RETURNS (int): The project.
    """
    project = studio.post("/api/projects/", {"title": "check", "label_config": config})["id"]
    backend = {"project": project, "url": address, "title": "rules", "auth_method": "BASIC_AUTH"}
    for password, status in (("wrong", 400), (TOKEN, 201)):
        credentials = {"basic_auth_user": "any", "basic_auth_pass": password}
        answer = studio.send("POST", "/api/ml", {**backend, **credentials})
        check(f"status with the password {password!r}", answer.status_code, status)
    version = answer.json()["model_version"]
    found = studio.get(f"/api/ml/{answer.json()['id']}/versions")
    check("versions", found, {"versions": [version]})
    # Label Studio makes this webhook, and gives it no password.
    [webhook] = studio.get("/api/webhooks/")
    headers = {"headers": {"Authorization": f"Bearer {TOKEN}"}}
    studio.send("PATCH", f"/api/webhooks/{webhook['id']}/", headers).raise_for_status()
    return int(project)


def predict(studio: Studio, project: int) -> list[Any]:
    """Import tasks, and let the service predict them.

    studio (Studio): Label Studio.
    project (int): The project.
    RETURNS (list[Any]): The tasks with their predictions.
    """
    tasks = [{"id": f"r{number}", "text": text} for number, text in enumerate(TEXTS)]
    studio.post(f"/api/projects/{project}/import", tasks)
    everything = {"selectedItems": {"all": True, "excluded": []}}
    studio.post(f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", everything)
    found = studio.get("/api/tasks", params={"project": project, "fields": "all"})["tasks"]
    return [studio.get(f"/api/tasks/{task['id']}") for task in found]


def read_result(result: list[Any]) -> tuple[list[Any], list[Any]]:
    """Read the entities and relations of a result.

    result (list[Any]): The regions and relations.
    RETURNS (tuple[list[Any], list[Any]]): Entities and relations, as in the constants above.
    """
    regions = {each["id"]: each for each in result if each["type"] == "labels"}
    choices = {e["id"]: e["value"]["choices"][0] for e in result if e["type"] == "choices"}
    entities = [
        (*each["value"]["labels"], choices.get(name), each["value"]["text"])
        for name, each in regions.items()
    ]
    relations = [
        (
            regions[each["from_id"]]["value"]["text"],
            *each["labels"],
            regions[each["to_id"]]["value"]["text"],
        )
        for each in result
        if each["type"] == "relation"
    ]
    return entities, relations


def check_predictions(tasks: list[Any]) -> None:
    """Check what Label Studio holds of the predictions.

    tasks (list[Any]): The tasks.
    """
    [first], *others = (task["predictions"] for task in tasks)
    check("regions, choices and relations", read_result(first["result"]), (ENTITIES, RELATIONS))
    scores = [each["score"] for each in first["result"] if each["type"] != "relation"]
    check("scores of regions and choices", scores, [0.9, 0.8, 0.7, 0.8, 0.7, 0.9, 0.8, 0.7])
    of_relations = [e["meta"]["score"] for e in first["result"] if e["type"] == "relation"]
    position = {"Position": 0.6}
    check("scores of relations", of_relations, [position, {"With": 0.5}, position])
    check("version", first["model_version"].rpartition(" ")[0], "zh_rules 1.0.0")
    found = [len(read_result(prediction["result"])[0]) for [prediction] in others]
    check("entities of the other texts", found, OTHERS)


def submit(studio: Studio, tasks: list[Any]) -> None:
    """Submit all tasks. In the first one, an annotator turns 'negated' into 'present', and removes
    a relation. The last one is skipped.

    studio (Studio): Label Studio.
    tasks (list[Any]): The tasks.
    """
    for number, task in enumerate(tasks):
        [prediction] = task["predictions"]
        result = prediction["result"]
        if number == 0:
            result = [each for each in result if each.get("labels") != ["With"]]
            [negated] = [e for e in result if e.get("value", {}).get("choices") == ["negated"]]
            negated["value"]["choices"] = ["present"]
        body = {"result": result, "was_cancelled": task is tasks[-1], "lead_time": 1.0}
        studio.post(f"/api/tasks/{task['id']}/annotations", body)


def check_corrections(studio: Studio, project: int, pipeline: Path, folder: Path) -> Path:
    """Export what was submitted, and learn what was corrected.

    studio (Studio): Label Studio.
    project (int): The project.
    pipeline (Path): The pipeline.
    folder (Path): A folder for files.
    RETURNS (Path): The corpus.
    """
    export, texts = folder / "export.json", folder / "texts.jsonl"
    exported = studio.get(f"/api/projects/{project}/export", params={"exportType": "JSON"})
    export.write_text(json.dumps(exported), "utf-8")
    lines = (json.dumps({"id": f"r{i}", "text": text}) for i, text in enumerate(TEXTS[:-2]))
    texts.write_text("\n".join(lines), "utf-8")
    predicted, corpus, report = folder / "predicted", folder / "train.spacy", folder / "report.json"
    run("annotate", pipeline, texts, "--output", predicted, "--code", CODE)
    options = ["--output", corpus, "--report", report, "--lang", "zh"]
    print(run("corrections", predicted, export, *options))
    found = json.loads(report.read_text("utf-8"))
    check("texts with a correction", found["pairs"] - found["unchanged"], 1)
    changes = {kind: len(cases) for kind, cases in found["changes"].items()}
    check("corrections", changes, {"Assertion negated -> present": 1, "removed relation With": 1})
    return corpus


def train_on(corpus: Path, folder: Path) -> None:
    """Train a pipeline on for a few updates, with labels that are new to it.

    corpus (Path): The training data.
    folder (Path): A folder for files.
    """
    config, output = folder / "continued.cfg", folder / "continued"
    run("init-config", "--from", ROOT / "tests" / "saved" / "pipeline", "--output", config)
    paths = ["--paths.train", corpus, "--paths.dev", corpus]
    updates = ["--training.optimizer.learn_rate.total_steps", 4]
    run("train", config, "--output", output, *paths, *updates)
    labels = json.loads((output / "model-last" / "meta.json").read_text("utf-8"))["labels"]
    check("the new label is learned", "Finding" in labels["str_ner"], True)


def main() -> None:
    """Run all checks. Exit with 1 at the first that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("label_studio", type=Path, help="the command label-studio")
    parser.add_argument("--record", action="store_true", help="save what Label Studio sends")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder, pipeline = Path(name), Path(name) / "rules"
        make_rules().to_disk(pipeline)
        config = run("labeling-config", pipeline, "--code", CODE)
        (folder / "studio").mkdir()
        port = find_port()
        with (
            run_service(pipeline, folder) as address,
            record(address, port) as found,
            run_studio(options.label_studio, folder / "studio") as studio,
        ):
            print(f"Label Studio {studio.get('/api/version')['release']}")
            check("labeling config in the log", config in read_log(folder), True)
            project = connect(studio, config, f"http://{HOST}:{port}")
            tasks = predict(studio, project)
            check_predictions(tasks)
            submit(studio, tasks)
            train_on(check_corrections(studio, project, pipeline, folder), folder)
        if options.record:
            save(found, FOLDER)


def read_log(folder: Path) -> str:
    """RETURNS (str): The log of the service."""
    return (folder / "service.log").read_text("utf-8")


if __name__ == "__main__":
    main()
