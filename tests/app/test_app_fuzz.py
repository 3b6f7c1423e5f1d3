"""Requests made up from the interface's own description: no answer is a bug."""

import schemathesis
from app_server import serving
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SKIPPED = ("/api/progress",)  # a stream without end
ENOUGH = settings(
    max_examples=10, deadline=None, database=None, derandomize=True,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


def answers_of(served, operation, identities):
    """Return (status, media type, text) of made-up requests, most of them to recordings."""
    answers = []

    @ENOUGH
    @given(case=operation.as_strategy(), identity=st.sampled_from([*identities, None]))
    def ask(case, identity):
        if identity is not None and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = identity
        answer = case.call(base_url=str(served.client.base_url).rstrip("/"), timeout=120)
        kind = "".join(answer.headers.get("content-type", [])).split(";")[0]
        answers.append((answer.status_code, kind, answer.content[:300]))

    ask()
    return answers


def test_no_request_upsets_the_server(tmp_path):
    """On a server of its own: requests analyze and judge what other tests find untouched."""
    with serving(tmp_path) as served:
        ask_everything(served, [served.analyzed("analyzed.mp4"), served.add("numbers.mp4")])


def ask_everything(served, identities):
    schema = schemathesis.openapi.from_dict(served.client.get("/openapi.json").json())
    tried = 0
    for operation in (result.ok() for result in schema.get_all_operations()):
        if operation.path in SKIPPED or operation.method.lower() == "delete":
            continue
        for status, kind, text in answers_of(served, operation, identities):
            tried += 1
            assert status < 500, (operation.label, text)
            if status >= 400:
                assert kind == "application/json", (operation.label, status, text)
    assert tried > 100
    assert served.client.get("/api/project").status_code == 200
