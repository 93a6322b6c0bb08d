"""The service as an ML backend of Label Studio: predictions, differences, and what is logged."""

import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from spacy.language import Language
from spacy.tokens import Doc

from scripts.label_studio.rules import make_rules
from spacy_str_encoder.formats.label_studio.labeling_config import Labels, make_labeling_config

from .services import run_here

TEXT = "前降支近段狭窄伴钙化。"
FITTING = make_labeling_config(
    Labels(["BodyPart", "Finding"], ["Position", "With"], {"Assertion": ["present", "negated"]})
)
OTHER = """<View>
  <Relations><Relation value="Position"/></Relations>
  <Labels name="kind" toName="report"><Label value="Finding"/><Label value="BodyPart"/>
  <Label value="Drug"/></Labels>
  <Text name="report" value="$body"/>
</View>"""
NO_TEXT = '<View><Image name="scan" value="$scan"/></View>'
EMPTY = {"result": []}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of rules, which fails on some texts."""

    @Language.component("tests_failing")
    def fail(doc: Doc) -> Doc:
        if "fail" in doc.text:
            raise KeyError(doc.text)
        return doc

    nlp = make_rules()
    nlp.add_pipe("tests_failing")
    nlp.to_disk(path := tmp_path_factory.mktemp("rules"))
    return path


@pytest.fixture(scope="module")
def client(rules: Path) -> Iterator[TestClient]:
    with run_here(model=str(rules), label_studio=True, max_length=100, max_texts=2) as client:
        yield client


def post(client: TestClient, path: str, **body: Any) -> Any:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def predict(client: TestClient, *data: Any, config: str = FITTING) -> list[Any]:
    tasks = [{"id": number, "data": each} for number, each in enumerate(data)]
    results: list[Any] = post(
        client, "/predict", tasks=tasks, label_config=config, project="1.2", params={}
    )["results"]
    return results


def texts_of(prediction: Any) -> list[str]:
    labels = [each for each in prediction["result"] if each["type"] == "labels"]
    return [each["value"]["text"] for each in labels]


def test_predictions_hold_regions_attributes_and_relations(client: TestClient) -> None:
    [prediction] = predict(client, {"text": TEXT})
    found = [
        (each.get("id"), each["from_name"], each["value"]["start"], each["value"]["end"])
        for each in prediction["result"]
        if each["type"] != "relation"
    ]
    assert found == [
        ("entity-0", "label", 0, 3),
        ("entity-1", "label", 5, 7),
        ("entity-1", "Assertion", 5, 7),
        ("entity-2", "label", 8, 10),
        ("entity-2", "Assertion", 8, 10),
    ]
    relations = [each for each in prediction["result"] if each["type"] == "relation"]
    assert [
        (each["from_id"], each["to_id"], each["direction"], each["labels"]) for each in relations
    ] == [
        ("entity-1", "entity-0", "right", ["Position"]),
        ("entity-1", "entity-2", "right", ["With"]),
    ]
    assert [each["meta"]["score"] for each in relations] == [{"Position": 0.6}, {"With": 0.5}]
    scores = [each["score"] for each in prediction["result"] if each["type"] != "relation"]
    assert scores == [0.9, 0.8, 0.7, 0.8, 0.7]
    # The mean of these seven.
    assert prediction["score"] == 0.7143


def test_predictions_are_in_the_order_of_their_tasks(client: TestClient) -> None:
    # More than may be in the queue of the service at once, and than a request may have.
    texts = [f"{'好' * number}夹层" for number in range(30)]
    predictions = predict(client, *({"text": text} for text in texts))
    starts = [each["result"][0]["value"]["start"] for each in predictions]
    assert starts == [*range(30)]


def test_names_and_field_are_those_of_the_project(client: TestClient) -> None:
    [prediction] = predict(client, {"text": "夹层", "body": TEXT}, config=OTHER)
    names = {(each.get("from_name"), each.get("to_name")) for each in prediction["result"]}
    assert names == {("kind", "report"), (None, None)}
    assert texts_of(prediction) == ["前降支", "狭窄", "钙化"]
    # The project has no choices, and no relation of the other label.
    assert [each["type"] for each in prediction["result"]] == [*["labels"] * 3, "relation"]


def test_tasks_without_a_text_get_an_empty_result_and_are_counted(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    data: list[Any] = [
        {"text": TEXT},
        {"text": ""},
        {"text": " \n"},
        {"text": 3},
        {"other": TEXT},
        {"text": "s3://bucket/report.txt"},
        {"text": "夹层" * 51},
        {"text": "夹层 fail"},
        {"text": "夹层"},
        None,
    ]
    first, *empty, last, without = predict(client, *data)
    assert (texts_of(first), texts_of(last)) == (["前降支", "狭窄", "钙化"], ["夹层"])
    assert [*empty, without] == [EMPTY] * 8
    [message] = [each for each in caplog.messages if "Label Studio" in each]
    assert message == (
        "Label Studio, project '1.2': predictions for 10 tasks, 5 without a text, "
        "1 with the address of a file in place of a text, 1 with more than 100 characters, "
        "1 that the pipeline failed on"
    )
    assert "夹层" not in caplog.text


def test_predictions_that_nobody_waits_for_are_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"tasks": [{"data": {"text": TEXT}}] * 3, "label_config": FITTING, "project": "1.2"}
    messages = iter(
        [
            {"type": "http.request", "body": json.dumps(body).encode()},
            {"type": "http.disconnect"},
        ]
    )
    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b""}
    scope["headers"] = [(b"content-type", b"application/json")]

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    assert client.portal is not None
    client.portal.call(client.app, scope, receive, send)
    [message] = [each for each in caplog.messages if "Label Studio" in each]
    assert message == "Label Studio, project '1.2': did not wait for 3 predictions"


def test_no_tasks_have_no_predictions(client: TestClient) -> None:
    assert predict(client) == []


def test_the_version_is_that_of_the_files(client: TestClient, rules: Path) -> None:
    version = post(client, "/setup", project="1.2", schema=FITTING)["model_version"]
    assert version.startswith("zh_rules 1.0.0 ")
    assert client.get("/versions", params={"project": "1.2"}).json() == {"versions": [version]}
    assert predict(client, {"text": TEXT})[0]["model_version"] == version
    (rules / "note.txt").write_text("changed")
    with run_here(model=str(rules), label_studio=True) as changed:
        assert post(changed, "/setup", project="1.2", schema=FITTING)["model_version"] != version


def test_differences_are_answered_and_logged_once(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    expected = [
        "The labeling config does not offer these, so they are left out of predictions: choice "
        "Assertion='negated', choice Assertion='present', relation 'With'.",
        "The pipeline does not know these, so it never predicts them: label 'Drug'.",
    ]
    for _ in range(2):
        assert post(client, "/setup", project="7.1", schema=OTHER)["differences"] == expected
    logged = [each for each in caplog.messages if "Label Studio" in each]
    assert logged == [f"Label Studio, project '7.1': {each}" for each in expected]
    assert post(client, "/setup", project="7.1", schema=FITTING)["differences"] == []


def test_a_project_without_texts_is_connected_and_told(client: TestClient) -> None:
    [difference] = post(client, "/setup", project="8.1", schema=NO_TEXT)["differences"]
    assert difference.startswith("No text gets predictions: the labeling config must have <Labels>")
    response = client.post("/predict", json={"tasks": [], "label_config": NO_TEXT})
    assert response.status_code == 422
    assert response.json()["detail"].startswith("the labeling config must have <Labels>")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"action": "ANNOTATION_CREATED", "annotation": {"result": [TEXT]}},
            "ANNOTATION_CREATED, 1 annotation",
        ),
        (
            {"action": "ANNOTATIONS_CREATED", "annotation": [{}, {}]},
            "ANNOTATIONS_CREATED, 2 annotations",
        ),
        (
            {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 1}, {"id": 2}, {"id": 3}]},
            "ANNOTATIONS_DELETED, 3 annotations",
        ),
        ({"action": "START_TRAINING", "project": {"id": 1}}, "START_TRAINING, 0 annotations"),
        ({"action": f"x\n{TEXT}"}, "unknown event, 0 annotations"),
    ],
)
def test_events_are_logged_without_texts(
    client: TestClient, caplog: pytest.LogCaptureFixture, body: Any, expected: str
) -> None:
    caplog.set_level(logging.INFO)
    assert post(client, "/webhook", **body) == {"status": "received"}
    assert [each for each in caplog.messages if "Studio" in each] == [f"Label Studio: {expected}"]
    assert TEXT not in caplog.text


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/setup", {"project": "1"}, "schema"),
        ("/predict", {"label_config": FITTING}, "tasks"),
        ("/predict", {"tasks": [TEXT], "label_config": FITTING}, "tasks"),
        ("/predict", {"tasks": []}, "label_config"),
        ("/webhook", {"action": 3}, "action"),
    ],
)
def test_an_invalid_request_is_explained_and_not_quoted(
    client: TestClient, path: str, body: Any, name: str
) -> None:
    response = client.post(path, json=body)
    detail = f"The body must be as Label Studio sends it: '{name}' is missing or invalid."
    assert (response.status_code, response.json()) == (422, {"detail": detail})


@pytest.mark.parametrize("path", ["/setup", "/predict", "/webhook"])
@pytest.mark.parametrize("content", [b"[]", b"{", b'"\xff"', b""])
def test_a_body_that_is_no_object_is_explained(
    client: TestClient, path: str, content: bytes
) -> None:
    response = client.post(path, content=content, headers={"Content-Type": "application/json"})
    detail = f"The body must be a JSON object, as Label Studio sends it to {path}."
    assert (response.status_code, response.json()) == (422, {"detail": detail})


@pytest.mark.parametrize(
    ("credentials", "status"),
    [
        (b"anyone:token-1", 200),
        (b":token-1", 200),
        (b"anyone:token-2", 401),
        (b"token-1:", 401),
        (b"token-1", 401),
        (b"", 401),
    ],
)
def test_a_password_is_a_token(rules: Path, credentials: bytes, status: int) -> None:
    with run_here(model=str(rules), label_studio=True, tokens=("token-1",)) as guarded:
        header = {"Authorization": f"Basic {b64encode(credentials).decode()}"}
        assert guarded.get("/versions", headers=header).status_code == status
        assert guarded.get("/versions", headers={"Authorization": "Basic ?"}).status_code == 401
        assert guarded.get("/versions").status_code == 401


def test_the_fitting_labeling_config_is_logged(
    rules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with run_here(model=str(rules), label_studio=True):
        assert FITTING in caplog.text


def test_without_the_option_there_are_no_such_paths(rules: Path) -> None:
    with run_here(model=str(rules)) as client:
        for path in ("/setup", "/predict", "/webhook"):
            assert client.post(path, json={}).status_code == 404
