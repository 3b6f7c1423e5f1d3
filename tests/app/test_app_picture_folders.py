"""GIFs and folders of pictures are recordings like others, also by way of the page."""

from __future__ import annotations

import pytest
from app_server import serving
from numbered_video import number_of, picture
from PIL import Image

from mescope.app.picture_folders import without_rate
from mescope.app.project import Project
from mescope.errors import VideoError
from mescope.video.picture_lists import listed, write_list
from mescope.video.reading import open_video


def write_pictures(folder, count=6):
    folder.mkdir(parents=True)
    for n in range(count):
        Image.fromarray(picture(n)).save(folder / f"img_{n + 1:03}.png")
    return folder


def write_gif(path, count=5):
    frames = [Image.fromarray(picture(n)) for n in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    return path


def test_a_list_opens_its_folder_at_its_rate(tmp_path):
    folder = write_pictures(tmp_path / "clip01")
    video = open_video(write_list(folder, 200))
    assert (video.name, video.rate, len(video)) == ("clip01", 200.0, 6)
    assert number_of(video.read([4])[4]) == 4


@pytest.mark.parametrize(
    "text",
    [
        "", "7", "{}", '{"folder": "..", "rate": 9}', '{"folder": "a/b", "rate": 9}',
        '{"folder": "gone", "rate": 9}', '{"folder": "clip", "rate": 0}',
        '{"folder": "clip", "rate": NaN}', "[" * 9000, '{"folder": 7, "rate": 9}',
    ],
)  # fmt: skip
def test_another_file_of_that_ending_is_refused_in_words(tmp_path, text):
    write_pictures(tmp_path / "clip", 2)
    path = tmp_path / "x.pictures"
    path.write_text(text)
    with pytest.raises(VideoError, match=r"x\.pictures: expected"):
        listed(path)
    (tmp_path / "link").symlink_to(tmp_path / "clip")
    path.write_text('{"folder": "link", "rate": 9}')
    with pytest.raises(VideoError, match="beside it"):
        listed(path)


def test_only_folders_of_numbered_pictures_that_are_none_yet(tmp_path):
    write_pictures(tmp_path / "S01" / "clip01")
    write_list(write_pictures(tmp_path / "S01" / "clip02"), 100)
    write_pictures(tmp_path / ".hidden" / "clip")
    write_pictures(tmp_path / "one", 1)
    project = Project(tmp_path)
    try:
        assert [path.name for path in without_rate(project)] == ["clip01"]
    finally:
        project.close()


@pytest.mark.slow
def test_both_come_by_the_page(browser, tmp_path):
    """A GIF as it is; a folder once its rate is said, with the frames in order."""
    pytest.importorskip("selenium", reason="the tests of the page need selenium")
    from browsing import Window

    (tmp_path / "study").mkdir()
    with serving(tmp_path / "study") as one:
        window = Window(browser, one.client.base_url)
        window.go("#/")
        gif = write_gif(tmp_path / "blink.gif")
        window.until(lambda: window.find("#files")).send_keys(str(gif))
        window.says(".recordings", "blink.gif")
        folder = write_pictures(tmp_path / "clip01")
        window.find("#folder").send_keys(str(folder))
        window.says("#said", "Say how many were taken a second")
        window.write("#rate", "200")
        window.click("#pictures button")
        window.says(".recordings", "200 frames/s")
        found = {r["name"]: r for r in one.client.get("/api/recordings").json()}
        assert set(found) == {"blink.gif", "clip01"}
        assert [found[name]["frames"] for name in sorted(found)] == [5, 6]
        window.click_at("//li[.//h2[contains(., 'clip01')]]//a[text()='Review']")
        window.until(
            lambda: window.js("return document.querySelector('#screen')?.dataset.frame")
        )
        browser.get("about:blank")
