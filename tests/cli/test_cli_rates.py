"""--rate where folders of pictures and video files are searched together."""

import os

import pytest
from made_up_results import touch


@pytest.mark.parametrize("command", ["analyze", "spot"])
def test_in_a_mixed_search_the_rate_is_that_of_the_pictures(run, here, analyzer, command):
    touch("in/a.mp4", "in/clip/img1.png", "in/clip/img2.png")
    status, _, err = run(command, "in", "--rate", "200")
    assert (status, "video files keep their own times" in err) == (0, True)
    assert [(s, options["rate"]) for s, options in analyzer.calls] == [
        (os.path.join("in", "a.mp4"), None),
        (os.path.join("in", "clip"), 200.0),
    ]


def test_the_rate_of_a_file_alone_is_its_own(run, here, analyzer):
    touch("a.mp4")
    assert run("spot", "a.mp4", "--rate", "200")[0] == 0
    assert analyzer.calls[-1][1]["rate"] == 200.0
