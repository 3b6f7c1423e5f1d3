"""People with browsers of their own in a project that is coded blind."""

from contextlib import contextmanager

import httpx

_OPEN = []  # what people hold open


def leave():
    """Have everybody close their browser."""
    while _OPEN:
        _OPEN.pop().close()


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, study, name, password="secret"):
        self.name, self.http = name, httpx.Client(base_url=study.client.base_url, timeout=300)
        _OPEN.append(self.http)
        if name:
            sent = {"coder": name, "password": password}
            assert self.http.post("/api/blind/sign-in", json=sent).status_code == 200

    def marks(self, identity):
        return self.http.get(f"/api/recordings/{identity}/marks").json()

    def judge(self, identity, action, mark=None, coder=None, **values):
        sent = {
            "revision": self.marks(identity)["revision"], "coder": coder or self.name,
            "action": action, "mark": mark, "values": values,
        }  # fmt: skip
        return self.http.post(f"/api/recordings/{identity}/events", json=sent)


@contextmanager
def coded_blind(study, seed=""):
    lead = Person(study, "")
    sent = {"coder": "lena", "password": "leading", "seed": seed}
    assert lead.http.post("/api/blind", json=sent).status_code == 200
    lead.name = "lena"
    try:
        yield lead
    finally:
        assert lead.http.delete("/api/blind").status_code == 204
