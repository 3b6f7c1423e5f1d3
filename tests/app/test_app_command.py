"""`mescope app` as people start it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef"


def start(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-c", "from mescope.cli import main; main()", "app", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def refused(*words, **options):
    """Return what a command that must end says on stderr."""
    with start(*words, **options) as process:
        out, said = process.communicate(timeout=120)
    assert process.returncode in (1, 2)
    assert "Traceback" not in said
    assert out == ""
    return said


def address_of(process):
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.strip()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_start_ask_and_end(served, analyzed, tmp_path, number):
    """One signal ends everything; nothing is lost and nothing goes on running."""
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with start(tmp_path, "--port", 0, "--no-browser", "--no-token", **options) as process:
        address = address_of(process)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        assert httpx.get(f"{address}api/project").json()["name"] == tmp_path.name
        assert "text/html" in httpx.get(address).headers["content-type"]
        with httpx.stream("GET", f"{address}api/progress") as news:
            next(news.iter_lines())
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [line for line in said.splitlines() if not line.startswith("mescope: ")] == []


def test_json_names_the_address_and_api_only_serves_no_page(tmp_path):
    with start(tmp_path, "--port", 0, "--json", "--api-only", "--no-token") as process:
        text = process.stdout.readline()
        while not text.rstrip().endswith("}"):
            text += process.stdout.readline()
        address = json.loads(text)["address"]
        assert httpx.get(f"{address}api/recordings").json() == []
        assert httpx.get(address).status_code == 404
        process.kill()


def test_other_machines_need_a_token(tmp_path):
    """And the risk is told."""
    said = refused(tmp_path, "--host", "0.0.0.0", "--port", 0)
    assert "could see the recordings" in said
    assert "--token" in said
    assert "16 letters" in refused(tmp_path, "--token", "short")
    words = ("--host", "0.0.0.0", "--port", 0, "--token", SECRET, "--no-browser")
    with start(tmp_path, *words) as process:
        port = re.search(r":(\d+)/", address_of(process))[1]
        url = f"http://127.0.0.1:{port}/api/project"
        assert httpx.get(url).status_code == 403
        token = {"Authorization": f"Bearer {SECRET}"}
        assert httpx.get(url, headers=token).status_code == 200
        with httpx.Client(follow_redirects=True) as browser:
            page = browser.get(f"http://127.0.0.1:{port}/?token={SECRET}")
            assert page.status_code == 200
            assert browser.get(url).status_code == 200
        process.kill()
        assert "unencrypted" in process.stderr.read()


def test_a_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused(tmp_path, "--port", taken.getsockname()[1])
    assert "choose another port" in said


def test_no_folder_and_no_address(tmp_path):
    assert "expected a folder" in refused(tmp_path / "none", "--port", 0)
    assert "cannot listen" in refused(
        tmp_path, "--host", "192.0.2.1", "--port", 0, "--token", SECRET)  # fmt: skip


def test_the_example_lists_what_people_made_of_it(served, analyzed):
    marks = served.client.get(f"/api/recordings/{analyzed}/marks").json()
    served.judge(analyzed, "confirm", marks["detections"][0]["id"])
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "review_client.py", str(served.client.base_url)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "analyzed.mp4 30 49 surprise confirmed" in done.stdout.splitlines()


def test_the_page_names_no_other_server():
    """Nothing of the page comes from elsewhere."""
    for path in (ROOT / "src" / "mescope" / "app" / "static").rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            found = re.findall(
                r"(?:https?:)?//[a-z0-9-]+\.[a-z]+[^\s\"']*", path.read_text("utf-8")
            )
            assert [f for f in found if "www.w3.org" not in f] == [], path
