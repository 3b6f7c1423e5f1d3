"""A format from outside is offered everywhere: command line, analyses, app."""

import itertools
import sys
from pathlib import Path

import pytest
from made_up_results import made_up

from mescope import plugins, reports
from mescope.annotations import CODECS, AnnotationSet, format_of, read
from mescope.annotations.codecs import Codec
from mescope.cli import run
from mescope.errors import DatasetError
from mescope.plugins import VARIABLE, load_plugin

PLUGIN = Path(__file__).parents[1] / "plugins" / "own_format.py"
TABLE = "subject,video,onset,offset,type,emotion,apex\n,a.mp4,30,39,micro,fear,34\n"
OWN = "video\tonset_s\toffset_s\tkind\twho\na.mp4\t1.0000\t1.3333\tmicro\t\n"


@pytest.fixture
def plugin(monkeypatch):
    """Return the plug-in's file; what it registered is gone afterwards."""
    monkeypatch.setenv(VARIABLE, "")
    yield PLUGIN
    if "own" in CODECS:
        CODECS.remove("own")
    sys.modules.pop(plugins.module_name(PLUGIN.resolve()), None)


def test_the_command_line_converts_to_and_from_it(plugin, tmp_path, capsys):
    (tmp_path / "a.csv").write_text(TABLE)
    there = [str(tmp_path / name) for name in ("a.csv", "a.own.tsv", "b.csv")]
    for source, target in itertools.pairwise(there):
        words = ["--plugin", str(plugin), "convert", source, target, "--rate", "30"]
        assert run(words) == 0, capsys.readouterr().err
    assert (tmp_path / "a.own.tsv").read_text() == OWN
    (back,) = read(tmp_path / "b.csv").sets
    assert [(m.interval.first, m.interval.last, m.kind) for m in back.marks] == [
        (30, 39, "micro")
    ]
    capsys.readouterr()
    assert run(["convert", "--formats"]) == 0
    assert "own table; .own.tsv; read, written" in capsys.readouterr().out


def test_it_can_be_named(plugin, tmp_path, capsys):
    load_plugin(plugin)
    (tmp_path / "a.txt").write_text(OWN)
    words = ("--from", "own", "--to", "csv", "--rate", "30")
    assert run(["convert", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), *words]) == 0
    assert run(["convert", str(tmp_path / "a.csv"), "b.txt", "--to", "praat"]) == 2
    said = "expected any of csv, elan, boris, datavyu, vtt, activitynet, own"
    assert said in capsys.readouterr().err


def test_an_analysis_is_saved_in_it(plugin, tmp_path):
    load_plugin(plugin)
    assert reports.formats()["own"] == ".own.tsv"
    analysis = made_up("a.mp4")
    path = analysis.save(tmp_path / "a.own.tsv")
    assert len(path.read_text().splitlines()) == 1 + len(analysis.findings)


def test_the_longest_suffix_counts_and_the_first_of_several_formats(plugin):
    load_plugin(plugin)
    assert format_of("a.OWN.TSV") == "own"
    assert format_of("a.activitynet.json") == format_of("a.json") == "activitynet"
    with pytest.raises(DatasetError, match=r"ends in .*\.own\.tsv, or say which"):
        format_of("a.tsv")


def test_a_name_is_given_once(plugin):
    load_plugin(plugin)
    with pytest.raises(ValueError, match="no other format has"):
        CODECS.register("own")(Codec(title="x", suffixes=(".x",)))


def test_old_names_of_annotations_still_work():
    import mescope.annotations as annotations

    with pytest.warns(DeprecationWarning, match="Sheet is now"):
        assert annotations.Sheet is AnnotationSet
    with pytest.warns(DeprecationWarning, match="Mark is now"):
        assert annotations.Mark is annotations.Annotation
    contents = annotations.Contents((AnnotationSet(video="a"),))
    with pytest.warns(DeprecationWarning, match="sheets is now"):
        assert contents.sheets == contents.sets
