"""Files of other programs are read apart from the server; what is there already is known."""

from urllib.parse import quote

from app_server import LIMITS, serving
from numbered_video import write_numbered

from mescope.app.limits import Limits

HEAD = (
    '<?xml version="1.0"?><ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>'
)
TAIL = "</ANNOTATION_DOCUMENT>"


def eaf(marks, value="micro-expression"):
    """Return an ELAN file with marks of 100 ms, one after the other."""
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="t{n}" TIME_VALUE="{100 * (n // 2) + 90 * (n % 2)}"/>'
        for n in range(2 * marks)
    )
    tier = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="t{2 * n}" '
        f'TIME_SLOT_REF2="t{2 * n + 1}"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for n in range(marks)
    )
    return (
        f'{HEAD}{slots}</TIME_ORDER><TIER TIER_ID="ME@0#ann" '
        f'LINGUISTIC_TYPE_REF="x">{tier}</TIER><LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="x" '
        f'TIME_ALIGNABLE="true"/>{TAIL}'
    ).encode()


def bring(one, identity, data, name="marks.eaf"):
    return one.client.post(
        f"/api/recordings/{identity}/import", content=data, headers={"X-Name": quote(name)}
    )


def test_the_server_itself_reads_no_such_file(served, numbers, monkeypatch):
    """Readers that break in the server's own process do not matter: they run in another."""

    def broken(*_arguments, **_options):
        raise AssertionError("the server reads a stranger's file")

    monkeypatch.setattr("mescope.app.import_reader.read", broken)
    monkeypatch.setattr("mescope.annotations.elan_read.read", broken)
    answer = bring(served, numbers, eaf(5))
    assert (answer.status_code, answer.json()["added"]) == (200, 5), answer.text
    assert bring(served, numbers, eaf(5)).json()["known"] == 5
    assert list((served.project.home / "incoming").iterdir()) == []


def test_a_file_that_takes_too_much_is_refused_and_nobody_notices(tmp_path):
    """Memory has its limit, and so has time."""
    write_numbered(tmp_path / "a.mp4", 120)
    big = eaf(5_000)
    for limits in (
        Limits(import_memory=64 << 20, import_bytes=64 << 20),
        Limits(import_seconds=0.02, import_bytes=64 << 20),
    ):
        with serving(tmp_path, limits=limits) as one:
            identity = one.known("a.mp4")
            answer = bring(one, identity, big)
            assert answer.status_code == 400, answer.text
            said = answer.json()["error"]
            assert "more memory" in said or "the process that reads the file" in said
            assert one.client.get(f"/api/recordings/{identity}/marks").json()["revision"] == 0
            assert list((one.project.home / "incoming").iterdir()) == []


def test_many_marks_come_in_as_one_step(tmp_path):
    """And each is an event of its own."""
    write_numbered(tmp_path / "a.mp4", 3000)
    with serving(tmp_path, limits=Limits(import_bytes=64 << 20)) as one:
        identity = one.known("a.mp4")
        answer = bring(one, identity, eaf(990))
        assert answer.json()["added"] == 990
        marks = one.client.get(f"/api/recordings/{identity}/marks").json()
        assert (marks["revision"], len(marks["annotations"])) == (990, 990)
        history = one.client.get(f"/api/recordings/{identity}/history").json()
        assert len({(event["seq"], event["mark"]) for event in history}) == 990


def test_what_lies_in_the_folder_already_is_known(tmp_path):
    """Put there by hand, and then sent by a browser: one recording, not two."""
    first, other = write_numbered(tmp_path / "by hand.mp4", 9), tmp_path / "alike.mp4"
    data = first.read_bytes()
    other.write_bytes(data[:-1] + b"\0")  # as long, another content
    with serving(tmp_path, limits=LIMITS) as one:
        identity = one.known("by hand.mp4")
        one.known("alike.mp4")
        sent = one.client.post("/api/recordings", content=data, headers={"X-Name": "copy.mp4"})
        assert (sent.status_code, sent.json()["id"]) == (200, identity)
        new = one.client.post(
            "/api/recordings", content=data[:-1] + b"\1", headers={"X-Name": "third.mp4"}
        )
        assert new.status_code == 201
        first.write_bytes(data + b"\0")  # not what it was any more
        sent = one.client.post("/api/recordings", content=data, headers={"X-Name": "copy.mp4"})
        assert sent.status_code == 201
    assert sorted(p.name for p in tmp_path.glob("*.mp4")) == [
        "alike.mp4", "by hand.mp4", "copy.mp4", "third.mp4",
    ]  # fmt: skip
